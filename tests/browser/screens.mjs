// The screens, and a studio in which each has something to show.

/** The screens by name. */
export const SCREENS = {
  bans: '/console/bans',
  'all bans': '/console/bans?state=all',
  'no bans': '/console/bans?q=nothing+like+this',
  player: '/console/players/156',
  'ban form': '/console/ban?user=157',
  'lift form': '/console/players/156',
  experiences: '/console/experiences',
  unlink: '/console/experiences/7001/unlink',
  members: '/console/settings/members',
  keys: '/console/settings/keys',
  reasons: '/console/settings/presets',
  webhooks: '/console/settings/webhooks',
  protected: '/console/settings/protected',
  'many at once': '/console/many',
  'many lifts': '/console/many?action=lift',
  activity: '/console/activity',
  'no activity': '/console/activity?verb=imported',
  undo: '/console/undo',
  'not found': '/console/nowhere',
};

/** Bans of every state, made by a bot. */
export const fill = async (studio) => {
  await studio.member('Ada', 'administrator');
  const reasons = ['Aimbot', 'Scamming', 'Hate speech', 'Exploiting a duplication glitch', 'Spam'];
  for (const [at, reason] of reasons.entries()) {
    const term = at % 2 ? { banLengthType: 'Temporary', banLength: `${at}d` } : {};
    await studio.ban(156 + 100 * at, { banPublicReason: reason, ...term });
  }
  await studio.ban(2001, { banType: 'Global', banPublicReason: 'Alternate account of a banned player' });
  await studio.call('/unban-async', {
    userId: 556, experienceId: 7001, reason: 'Appeal accepted',
  });
  return studio;
};
