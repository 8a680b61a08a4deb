use serde_json::{Value, json};

use super::*;
use crate::domain::activity::{ActivityId, DiscordBanSource, RoleChangeMode, RoleSummary};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixMillis;
use crate::domain::discord::limits::{FIELD_NAME, FIELD_VALUE, FOOTER, IN_ALL, TITLE, units};
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, Uid};
use crate::domain::rules::{Ban, Expiry, Scope, Terms};
use crate::domain::user_name::RobloxName;
use crate::domain::webhooks::discord::DiscordWebhook;
use crate::domain::webhooks::{EventReceiver, Target};

const AT: UnixSeconds = UnixSeconds(1_800_000_000);

/// An embed that takes this many characters.
pub fn embed_of_length(length: usize) -> EventEmbed {
    let mut embed = EventEmbed::new("", EmbedColour::GREY, AT);
    embed.footer = Some(EmbedFooter {
        text: "x".repeat(length),
    });
    assert_eq!(embed.length(), length);
    embed
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn decision(kind: DecisionKind) -> PastDecision {
    let ban = Ban {
        guid: Guid::from(633_197_862_920_433_664),
        uid: Uid(1),
        user: user(156),
        scope: Scope::Global,
        made_in: ExperienceId::new(1818).unwrap(),
        terms: Terms {
            moderator: ModeratorId::new(9).unwrap(),
            private_reason: "SECRET".to_owned(),
            public_reason: "Cheating".to_owned(),
            expires: Expiry::Never,
            universal: true,
        },
        revision: 1,
        decisions: 1,
        created: AT,
        updated: AT,
        ending: None,
    };
    PastDecision {
        kind,
        at: AT,
        moment: UnixMillis::from_millis(AT.0 * 1000),
        previous: Some(ban.clone()),
        ban,
        applied: false,
        previous_applied: false,
        reason: Some("SECRET".to_owned()),
        key_id: "0123456789ab".to_owned(),
        channel: Some(Channel::Api),
        principal: Some("SECRET".to_owned()),
        moderator: None,
    }
}

fn logged(entry: LogEvent) -> LoggedEvent {
    LoggedEvent {
        position: 1,
        logged: UnixMillis::from_millis(AT.0 * 1000),
        repeated: false,
        entry,
    }
}

fn decided(decision: PastDecision) -> LoggedEvent {
    logged(LogEvent::Decision(Box::new(decision)))
}

fn acted(details: ActivityDetails) -> LoggedEvent {
    logged(LogEvent::Activity(Box::new(Activity {
        id: ActivityId::random(),
        moment: UnixMillis::from_millis(AT.0 * 1000),
        user: Some(user(156)),
        key_id: "mem_0123456789abcdef".to_owned(),
        channel: Some(Channel::Console),
        moderator: None,
        principal: Some("SECRET".to_owned()),
        reason: Some("SECRET".to_owned()),
        details,
    })))
}

fn shown(event: &LoggedEvent) -> Value {
    serde_json::to_value(EventEmbed::of(event, &KnownNames::default())).unwrap()
}

/// The value of a row.
fn row<'a>(embed: &'a Value, name: &str) -> Option<&'a str> {
    let rows = embed["fields"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name)?;
    row["value"].as_str()
}

const KINDS: [DecisionKind; 7] = [
    DecisionKind::Made,
    DecisionKind::Imported,
    DecisionKind::Restored,
    DecisionKind::Changed,
    DecisionKind::Lifted,
    DecisionKind::Appealed,
    DecisionKind::Expired,
];

#[test]
fn ban_says_who_where_until_when_why_and_by_whom() {
    let mut made = decision(DecisionKind::Made);
    made.moderator = ModeratorId::new(9);
    let names = [(user(156), "builderman"), (user(9), "mod_1")];
    let names = names.map(|(user, name)| (user, RobloxName::new(name, name).unwrap()));
    let embed = EventEmbed::of(
        &decided(made),
        &KnownNames {
            users: names.into(),
            ..KnownNames::default()
        },
    );
    assert_eq!(
        serde_json::to_value(embed).unwrap(),
        json!({
            "title": "Banned",
            "color": 0x00ed_4245,
            "timestamp": "2027-01-15T08:00:00Z",
            "fields": [
                { "name": "Player", "inline": true,
                  "value": r"[\@builderman](https://www.roblox.com/users/156/profile) (156)" },
                { "name": "Where", "inline": true, "value": "Every experience" },
                { "name": "Until", "inline": true, "value": "Permanent" },
                { "name": "Reason", "inline": false, "value": "Cheating" },
                { "name": "By", "inline": false,
                  "value": r"[\@mod\_1](https://www.roblox.com/users/9/profile) (9), by a key 0123456789ab, through the API" },
            ],
            "footer": { "text": "Ban 633197862920433664" },
        })
    );
}

#[test]
fn users_without_a_known_name_and_experiences_are_linked_by_id() {
    let mut made = decision(DecisionKind::Changed);
    made.ban.scope = Scope::Experience;
    made.ban.terms.expires = Expiry::At(AT);
    let embed = shown(&decided(made));
    let link = "[156](https://www.roblox.com/users/156/profile)";
    assert_eq!(row(&embed, "Player"), Some(link));
    let place = "[1818](https://www.roblox.com/games/1818)";
    assert_eq!(row(&embed, "Where"), Some(place));
    let until = "<t:1800000000:f> (<t:1800000000:R>)";
    assert_eq!(row(&embed, "Until"), Some(until));
    let by = "A key 0123456789ab, through the API";
    assert_eq!(row(&embed, "By"), Some(by));
}

#[test]
fn end_of_a_ban_has_no_end_in_the_future() {
    for kind in [
        DecisionKind::Lifted,
        DecisionKind::Appealed,
        DecisionKind::Expired,
    ] {
        let embed = shown(&decided(decision(kind)));
        assert_eq!(row(&embed, "Until"), None);
        assert_eq!(row(&embed, "Reason"), None);
        assert_eq!(row(&embed, "Banned for"), Some("Cheating"));
    }
}

#[test]
fn actor_is_named_by_kind_and_channel() {
    for (id, channel, text) in [
        (
            "0123456789ab",
            Some(Channel::Game),
            "A game server 0123456789ab, in the game",
        ),
        (
            "mem_00",
            Some(Channel::Console),
            r"A member mem\_00, in the console",
        ),
        (
            "mem_00",
            Some(Channel::Discord),
            r"A member mem\_00, in Discord",
        ),
        (
            "undo-1f2e3d4c",
            Some(Channel::Cli),
            r"The operator undo\-1f2e3d4c, with the command",
        ),
        ("expiry", None, "The service itself"),
        (
            "mirror",
            Some(Channel::Mirror),
            "The service itself, on Roblox's ban list",
        ),
    ] {
        let mut made = decision(DecisionKind::Made);
        (made.key_id, made.channel) = (id.to_owned(), channel);
        // Stands for nobody.
        made.moderator = Some(ModeratorId::NOBODY);
        let event = decided(made);
        assert_eq!(row(&shown(&event), "By"), Some(text));
        assert_eq!(users_shown(&event).collect::<Vec<_>>(), [user(156)]);
    }
}

fn role(name: &str) -> RoleSummary {
    RoleSummary {
        id: "1".to_owned(),
        name: name.to_owned(),
        rank: 255,
    }
}

fn role_change(name: &str, roles: usize) -> LoggedEvent {
    acted(ActivityDetails::GroupRoleChanged(GroupRoleChange {
        group_id: 7,
        mode: RoleChangeMode::Add,
        role: role(name),
        previous: vec![role(name); roles],
        roles: vec![role(name); roles],
    }))
}

fn evidence(name: &str) -> EvidenceSummary {
    EvidenceSummary {
        evidence_guid: "5f2a9c01d7e4".to_owned(),
        case_id: "633197862920433664".to_owned(),
        evidence_type: "File".to_owned(),
        file_name: Some(name.to_owned()),
    }
}

#[test]
fn activities_are_shown() {
    let embed = shown(&role_change("Member", 2));
    assert_eq!(embed["title"], "Group role changed");
    assert_eq!(
        row(&embed, "Before"),
        Some("Member (rank 255), Member (rank 255)")
    );
    assert_eq!(row(&shown(&role_change("x", 0)), "Now"), Some("None"));
    let embed = shown(&acted(ActivityDetails::EvidenceAdded(evidence("a_b.mp4"))));
    assert_eq!(row(&embed, "Evidence"), Some(r"File, a\_b.mp4"));
    assert_eq!(embed["footer"]["text"], "Ban 633197862920433664");
    for (experience, shown_as) in [(Some(7), "7"), (None, "The whole workspace")] {
        let secret = "portcullis/bans/bound/0a1b2c3d/7";
        let embed = shown(&acted(ActivityDetails::KeyBound(KeyBinding {
            experience_id: experience,
            universe_id: None,
            secret: secret.to_owned(),
        })));
        assert_eq!(row(&embed, "Experience"), Some(shown_as));
        assert_eq!(embed["footer"]["text"], format!("Secret {secret}"));
    }
}

fn guild_ban(by: Option<&str>) -> DiscordBanSummary {
    DiscordBanSummary {
        guild_id: "613425648685547541".parse().unwrap(),
        discord_id: "80351110224678912".parse().unwrap(),
        by_discord_id: by.map(|by| by.parse().unwrap()),
        source: DiscordBanSource::AuditLog,
    }
}

#[test]
fn ban_in_a_guild_names_both_users_of_discord() {
    let by = Some("80351110224678913");
    let embed = shown(&acted(ActivityDetails::DiscordBanned(guild_ban(by))));
    assert_eq!(embed["title"], "Banned on Discord");
    let named = |name| row(&embed, name).unwrap();
    assert!(named("Discord user").contains("<@80351110224678912>"));
    assert!(named("By").contains("<@80351110224678913>"));
    assert_eq!(embed["footer"]["text"], "Server 613425648685547541");
    let unknown = shown(&acted(ActivityDetails::DiscordUnbanned(guild_ban(None))));
    assert_eq!(unknown["title"], "Unbanned on Discord");
    assert!(row(&unknown, "By").is_some());
}

#[test]
fn reasons_for_moderators_and_principals_are_never_shown() {
    let decisions = KINDS.map(|kind| decided(decision(kind)));
    let activities = [
        role_change("x", 1),
        acted(ActivityDetails::EvidenceAdded(evidence("x"))),
        acted(ActivityDetails::EvidenceRemoved(evidence("x"))),
        acted(ActivityDetails::DiscordBanned(guild_ban(None))),
    ];
    for event in decisions.iter().chain(&activities) {
        let embed = shown(event).to_string();
        assert!(!embed.contains("SECRET"), "{embed}");
    }
}

#[test]
fn blank_reason_has_no_row() {
    for text in ["", " \u{200b}"] {
        let mut made = decision(DecisionKind::Made);
        made.ban.terms.public_reason = text.to_owned();
        assert_eq!(row(&shown(&decided(made)), "Reason"), None);
    }
}

#[test]
fn event_logged_again_says_so() {
    let mut event = decided(decision(DecisionKind::Made));
    event.repeated = true;
    let footer = shown(&event)["footer"]["text"].to_string();
    assert!(footer.contains("logged again"), "{footer}");
}

/// Whatever the texts, no part is longer than Discord accepts, and the longest event fits into a message.
#[test]
fn longest_events_are_within_the_limits() {
    let mut events = Vec::new();
    for text in ["*", "\u{1F600}", "e\u{301}", "x"] {
        let long = text.repeat(5_000);
        for kind in KINDS {
            let mut made = decision(kind);
            made.ban.terms.public_reason.clone_from(&long);
            made.ban.terms.expires = Expiry::At(UnixSeconds(u64::MAX));
            made.ban.scope = Scope::Experience;
            made.key_id.clone_from(&long);
            made.moderator = ModeratorId::new(9_007_199_254_740_991);
            events.push(decided(made));
        }
        events.push(role_change(&long, 100));
        events.push(acted(ActivityDetails::EvidenceRemoved(evidence(&long))));
    }
    for mut event in events {
        event.repeated = true;
        let embed = EventEmbed::of(&event, &KnownNames::default());
        assert!(units(embed.title) <= TITLE && embed.length() <= IN_ALL);
        assert!(units(&embed.footer.as_ref().unwrap().text) <= FOOTER);
        for row in &embed.fields {
            assert!((1..=FIELD_NAME).contains(&units(row.name)), "{}", row.name);
            assert!(
                (1..=FIELD_VALUE).contains(&row.value.length()),
                "{}",
                row.value
            );
        }
    }
}

#[test]
fn imported_bans_are_sent_to_receivers_of_signed_events_only() {
    let webhook = DiscordWebhook::parse("https://discord.com/api/webhooks/1/x").unwrap();
    let channel = EventReceiver::Discord(webhook);
    let signed = EventReceiver::signed(Target::parse("https://example.com/").unwrap());
    for kind in KINDS {
        let event = decided(decision(kind)).entry;
        assert_eq!(channel.shows(&event), kind != DecisionKind::Imported);
        assert!(signed.shows(&event));
    }
    let activity = acted(ActivityDetails::EvidenceAdded(evidence("x"))).entry;
    assert!(channel.shows(&activity));
}
