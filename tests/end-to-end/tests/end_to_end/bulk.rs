//! Writes many bans into the table as the routes would have.

use end_to_end::{Ban, Workspace};
use serde_json::{Value, json};

/// One more ban for each user: copies of a real ban, with other ids; pending if that ban is, which
/// a applied one is not. Each copy is one millisecond older than the last, so they follow it in
/// lists.
pub async fn copy_bans(workspace: &Workspace<'_>, ban: Ban, users: impl Iterator<Item = u64>) {
    let original = workspace.ban_shown(ban).await;
    let stored = workspace.stored().await;
    let item = |kind: &str| {
        let is_it = |item: &&Value| {
            item["kind"]["S"] == kind && item["ban"]["M"]["guid"]["N"] == original["guid"]
        };
        stored.iter().find(is_it).unwrap().clone()
    };
    let (record, standing) = (item("ban"), item("experience"));
    let guid: u64 = original["guid"].as_str().unwrap().parse().unwrap();
    let experience = original["experienceId"].as_u64().unwrap();
    let prefix = workspace.prefix();
    let mut copies = Vec::new();
    for (age, user) in (1..).zip(users) {
        let guid = (((guid >> 22) - age) << 22) | (age & 0x3f_ffff);
        let key = json!({ "S": format!("{guid:020}") });
        let mut ban = record["ban"].clone();
        ban["M"]["guid"] = json!({ "N": guid.to_string() });
        ban["M"]["uid"] = json!({ "N": (1_000_000 + age).to_string() });
        ban["M"]["user"] = json!({ "N": user.to_string() });
        let mut record = record.clone();
        record["pk"] = json!({ "S": format!("{prefix}#U#{user}") });
        record["sk"] = json!({ "S": format!("B#{guid:020}") });
        record["guid_key"] = key;
        record["ledger"] = json!({ "S": format!("{prefix}#{}", guid % 4) });
        record["experience_ledger"] = json!({ "S": format!("{prefix}#{experience}#{}", guid % 4) });
        record["ban"] = ban.clone();
        let mut standing = standing.clone();
        standing["pk"] = record["pk"].clone();
        if standing.get("report").is_some() {
            standing["report_guid"] = json!({ "S": guid.to_string() });
            standing["report"]["M"]["guid"] = json!({ "N": guid.to_string() });
        } else {
            standing["ban_owed"] = json!({ "S": format!("{guid:020}") });
        }
        standing["ban"] = ban;
        copies.extend([record, standing]);
    }
    workspace.app().put_items(copies).await;
}
