//! What may be chosen while a person types, from our own tables.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::Flow;
use super::show::Player;
use crate::api::auth::ViewBans;
use crate::domain::discord::{InteractionReply, ReplyChoice};
use crate::domain::ids::UserId;
use crate::store::Filter;

/// How many of the newest bans are searched for players.
const SEARCHED: usize = 100;

/// Lengths to choose from.
const LENGTHS: [(&str, &str); 7] = [
    ("1h", "1 hour"),
    ("12h", "12 hours"),
    ("1d", "1 day"),
    ("3d", "3 days"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("forever", "Permanent"),
];

pub async fn choices(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ViewBans>()?;
    let option = desk.interaction.focused.as_deref().unwrap_or_default();
    let typed = desk.interaction.option(option);
    let choices = match option {
        "user" => players(desk, by, typed).await?,
        "experience" | "placeid" => places(desk, by, typed).await?,
        "length" => lengths(typed),
        "reason" => reasons(desk, by, typed).await?,
        _ => Vec::new(),
    };
    Ok(InteractionReply::Choices(choices))
}

/// Whether a choice fits what is typed so far.
fn fits(name: &str, typed: &str) -> bool {
    let typed = typed.trim_start_matches('@').to_lowercase();
    name.to_lowercase().contains(&typed)
}

/// What was typed, then the players of the newest bans.
async fn players(desk: &CommandDesk<'_>, by: &Commander, typed: &str) -> Flow<Vec<ReplyChoice>> {
    let filter = Filter::default();
    let mut list = desk
        .store
        .ban_list(by.prefix(), &filter, None, Some(SEARCHED));
    let mut users: Vec<UserId> = Vec::new();
    for _ in 0..SEARCHED {
        let Some(record) = list.next().await? else {
            break;
        };
        if !users.contains(&record.ban.user) {
            users.push(record.ban.user);
        }
    }
    let names = desk.cached(by, users.iter().copied()).await;
    let own = Some(typed).filter(|typed| !typed.is_empty());
    let own = own.map(|typed| ReplyChoice::new(typed, typed));
    let known = users.into_iter().map(|id| Player {
        id,
        name: names.get(&id).cloned(),
    });
    let known = known.map(|player| (player.plain(), player.id.to_string()));
    let known = known.filter(|(name, id)| fits(name, typed) && id != typed);
    let known = known.map(|(name, id)| ReplyChoice::new(name, id));
    Ok(own.into_iter().chain(known).collect())
}

async fn places(desk: &CommandDesk<'_>, by: &Commander, typed: &str) -> Flow<Vec<ReplyChoice>> {
    let links = desk.store.links(by.prefix()).await?;
    let roots = links.iter().filter(|link| link.join.is_none());
    let ids = roots.map(|link| link.experience.to_string());
    let ids = ids.filter(|id| fits(id, typed));
    Ok(ids
        .map(|id| ReplyChoice::new(format!("Experience {id}"), id))
        .collect())
}

fn lengths(typed: &str) -> Vec<ReplyChoice> {
    let own = Some(typed).filter(|typed| !typed.is_empty());
    let own = own.map(|typed| ReplyChoice::new(typed, typed));
    let offered = LENGTHS
        .iter()
        .filter(|(value, name)| *value != typed && (fits(name, typed) || fits(value, typed)));
    let offered = offered.map(|(value, name)| ReplyChoice::new(*name, *value));
    own.into_iter().chain(offered).collect()
}

/// What was typed, unless presets are compulsory, then the presets.
async fn reasons(desk: &CommandDesk<'_>, by: &Commander, typed: &str) -> Flow<Vec<ReplyChoice>> {
    let presets = desk.store.reason_presets(by.prefix()).await?;
    let own = Some(typed).filter(|typed| !typed.is_empty() && !presets.compulsory);
    let own = own.map(|typed| ReplyChoice::new(typed, typed));
    let offered = presets.presets.iter();
    let offered = offered.filter(|preset| fits(&preset.name, typed) && preset.name != typed);
    let offered = offered.map(|preset| ReplyChoice::new(&*preset.name, &*preset.name));
    Ok(own.into_iter().chain(offered).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_what_was_typed_and_what_fits() {
        let values = |typed| {
            let choices = lengths(typed).into_iter();
            choices.map(|choice| choice.value).collect::<Vec<_>>()
        };
        assert_eq!(values("").len(), LENGTHS.len());
        assert_eq!(values("7d"), ["7d"]);
        assert_eq!(values("3"), ["3", "3d", "30d"]);
        assert_eq!(values("perm"), ["perm", "forever"]);
    }

    #[test]
    fn at_sign_and_case_do_not_matter() {
        assert!(fits("Builderman (156)", "@builder"));
        assert!(fits("Builderman (156)", "15"));
        assert!(!fits("Builderman (156)", "x"));
    }
}
