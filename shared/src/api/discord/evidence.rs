//! "Use as evidence" in the menu of a message: copies its files into the evidence for a player's ban, before
//! Discord's links to them expire.
//!
//! Discord does not send the message again with the form. So the form contains the links, one on each line, and a
//! person removes those that are no evidence. Nothing has to be stored in between, and the bot needs no right to
//! read messages. A link that a person types instead is worth no more than a file that they could upload.

mod copier;

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::show::{Player, escaped, place};
use crate::api::auth::{ModerateBans, Moderator};
use crate::domain::discord::{
    AttachmentLink, DiscordEmbed, DiscordMessage, DiscordModal, Interaction, InteractionKind,
    InteractionReply, ModalField,
};
use crate::domain::evidence::EvidenceMetadata;
use crate::domain::members::MemberPermission;
use crate::domain::rules::Ban;
use crate::domain::text;

pub use copier::EvidenceCopier;

/// The command in the menu of a message.
pub const MENU: &str = "Use as evidence";

/// The `custom_id` of the form.
pub const MODAL: &str = "evidence";

const FILES: &str = "files";
const COMMENT: &str = "comment";

/// How many files a message of Discord has.
const MOST_FILES: usize = 10;

/// The most that a field contains.
const LONGEST_FIELD: usize = 4_000;

/// The longest comment in bytes.
const LONGEST_COMMENT: usize = 1_000;

/// What is to be copied.
struct AskedCopy {
    links: Vec<AttachmentLink>,
    metadata: EvidenceMetadata,
}

/// Whether the form opens.
pub fn opens_form(asked: &Interaction) -> bool {
    asked.kind == InteractionKind::Command && asked.command == MENU
}

/// Opens the form with the links to the message's files.
pub fn form(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.demand_perhaps(MemberPermission::ManageBans)?;
    let links = desk.interaction.attachments.iter();
    let links: Vec<_> = links.filter_map(|it| AttachmentLink::parse(it)).collect();
    let value = fitting(&links);
    if value.is_empty() {
        return Err(Stop::say(
            "This message has no file. The console adds texts and links as evidence.",
        ));
    }
    let is_whole = value.lines().count() == links.len();
    let fields = vec![
        ModalField {
            name: "user",
            label: "Player",
            description: "A name, an id or a link; the files support their ban",
            value: String::new(),
            is_required: true,
            most: 200,
            is_long: false,
        },
        ModalField {
            name: FILES,
            label: "Files",
            description: if is_whole {
                "A link on each line: remove those that are no evidence"
            } else {
                "A link on each line, without those for which there is no room"
            },
            value,
            is_required: true,
            most: LONGEST_FIELD,
            is_long: true,
        },
        ModalField {
            name: COMMENT,
            label: "Comment",
            description: "What the files show; moderators alone read it",
            value: String::new(),
            is_required: false,
            most: LONGEST_COMMENT,
            is_long: true,
        },
    ];
    Ok(InteractionReply::Modal(DiscordModal {
        custom_id: MODAL,
        title: MENU.to_owned(),
        fields,
    }))
}

/// As many links as fit, one on each line.
fn fitting(links: &[AttachmentLink]) -> String {
    let mut value = String::new();
    for link in links.iter().take(MOST_FILES) {
        let line = link.to_string();
        if value.len().saturating_add(line.len()) >= LONGEST_FIELD {
            break;
        }
        if !value.is_empty() {
            value.push('\n');
        }
        value.push_str(&line);
    }
    value
}

/// Copies the files.
pub async fn submitted(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    let moderator = by.with::<ModerateBans>()?;
    let asked = AskedCopy::read(desk.interaction)?;
    let Some(copier) = desk.files else {
        return Err(Stop::Later);
    };
    let player = desk.player(by, desk.interaction.option("user")).await?;
    let ban = newest_ban(desk, by, &player).await?;
    let message = copied(desk, copier, &moderator, &player, &ban, &asked).await?;
    Ok(desk.reply(message))
}

impl AskedCopy {
    fn read(sent: &Interaction) -> Flow<Self> {
        let typed = sent.option(FILES).lines().map(str::trim);
        let mut links = Vec::new();
        for line in typed.filter(|line| !line.is_empty()) {
            let link = AttachmentLink::parse(line).ok_or_else(|| {
                Stop::say("Each line under Files must be the link to a file on Discord.")
            })?;
            if !links.contains(&link) {
                links.push(link);
            }
        }
        if links.is_empty() || links.len() > MOST_FILES {
            return Err(Stop::Say(format!("Leave 1 to {MOST_FILES} links.")));
        }
        let comment = text::judge(sent.option(COMMENT), LONGEST_COMMENT);
        let comment = comment.map_err(|fault| Stop::Say(format!("The comment {fault}.")))?;
        let metadata = EvidenceMetadata::commented(comment);
        let metadata = metadata.map_err(|fault| Stop::Say(format!("The comment {fault}.")))?;
        Ok(Self { links, metadata })
    }
}

/// The player's newest ban in force.
async fn newest_ban(desk: &CommandDesk<'_>, by: &Commander, player: &Player) -> Flow<Ban> {
    let standings = desk.store.standings_of(by.prefix(), player.id).await?;
    let in_force = standings.bans().filter(|ban| ban.holds(desk.now()));
    let newest = in_force.max_by_key(|ban| (ban.created, ban.guid)).cloned();
    newest.ok_or_else(|| {
        Stop::Say(format!(
            "{player} has no ban in force, which the files could support. Ban them first; the console adds \
             evidence to a ban that has ended."
        ))
    })
}

/// Copies one file after another, and says what became of each.
async fn copied(
    desk: &CommandDesk<'_>,
    copier: &EvidenceCopier,
    moderator: &Moderator<ModerateBans>,
    player: &Player,
    ban: &Ban,
    asked: &AskedCopy,
) -> Flow<DiscordMessage> {
    let id = desk.id()?;
    let mut embed = DiscordEmbed::titled("Evidence added");
    let (mut added, mut rows) = (0_usize, Vec::new());
    for link in &asked.links {
        let copy = copier.copy(desk, id, moderator, ban, link, &asked.metadata);
        let row = match copy.await? {
            Ok(piece) => {
                added = added.saturating_add(1);
                format!("Added as `{}`, {}", piece.guid, size(piece.body.bytes()))
            }
            Err(why) => format!("Not added: {why}"),
        };
        rows.push((escaped(link.name.as_str()), row));
    }
    if added == 0 {
        "No evidence added".clone_into(&mut embed.title);
    }
    embed.description = format!(
        "{player}: {added} of {} for ban `{}`, {}.",
        count(asked.links.len()),
        ban.guid,
        place(ban)
    );
    for (name, row) in rows {
        embed = embed.field(&name, row);
    }
    if added > 0 {
        "The console shows it on the player's page.".clone_into(&mut embed.footer);
    }
    Ok(DiscordMessage::embed(embed))
}

fn count(files: usize) -> String {
    match files {
        1 => "1 file".to_owned(),
        several => format!("{several} files"),
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match bytes {
        1 => "1 byte".to_owned(),
        0..KIB => format!("{bytes} bytes"),
        KIB..MIB => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn link(at: usize, name: &str) -> String {
        format!("https://cdn.discordapp.com/attachments/61/{at}/{name}?ex=1&is=2&hm=3")
    }

    fn sent(files: &str, comment: &str) -> Interaction {
        let field = |name: &str, value: &str| json!({ "type": 18, "component": { "type": 4, "custom_id": name, "value": value } });
        let fields = [field(FILES, files), field(COMMENT, comment)];
        let body = json!({ "type": 5, "data": { "custom_id": MODAL, "components": fields } });
        Interaction::read(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn only_links_that_fit_are_in_the_form() {
        let of = |names: usize, length: usize| {
            let links = (0..names).map(|at| link(at, &"x".repeat(length)));
            let links = links.filter_map(|it| AttachmentLink::parse(&it));
            fitting(&links.collect::<Vec<_>>())
        };
        assert_eq!(of(2, 1), [link(0, "x"), link(1, "x")].join("\n"));
        assert_eq!(of(12, 1).lines().count(), 10);
        let long = of(30, 200);
        assert!(long.len() <= LONGEST_FIELD && long.lines().count() == 10);
        assert_eq!(of(0, 1), "");
    }

    #[test]
    fn form_is_read_leniently_and_leads_to_discord_alone() {
        let files = format!(
            "\n {} \r\n\n{}\n{}",
            link(1, "a"),
            link(2, "b"),
            link(1, "a")
        );
        let asked = AskedCopy::read(&sent(&files, " Seen ")).unwrap();
        let names: Vec<_> = asked.links.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(asked.metadata.comment(), Some("Seen"));
        let many: Vec<_> = (0..11).map(|at| link(at, "a")).collect();
        for (files, comment) in [
            ("", ""),
            ("https://example.com/a.png", ""),
            ("a.png", ""),
            (many.join("\n").as_str(), ""),
            (link(1, "a").as_str(), "a\u{202E}b"),
        ] {
            assert!(AskedCopy::read(&sent(files, comment)).is_err(), "{files}");
        }
    }

    #[test]
    fn sizes_are_in_the_largest_whole_unit() {
        for (bytes, shown) in [
            (1, "1 byte"),
            (2, "2 bytes"),
            (2_048, "2 KiB"),
            (104_857_600, "100 MiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
