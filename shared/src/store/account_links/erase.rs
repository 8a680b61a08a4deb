//! What an erasure finds through a user's link and codes.

use super::item::{CodeUseItem, LinkItem};
use crate::domain::account_links::LinkSide;
use crate::domain::ids::WorkspacePrefix;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, StoredKind};

/// The keys of the items to which these lead: from a Roblox user's link to the item of the other side,
/// to the consent and to what that account did with codes, and from there to an open code. They have to be deleted
/// before what leads to them.
pub(in crate::store) fn led_to(
    prefix: WorkspacePrefix,
    found: &[Item],
) -> Result<Vec<Key>, DatabaseError> {
    let mut keys = Vec::new();
    for item in found {
        match StoredKind::of(item) {
            Some(StoredKind::AccountLink) => {
                let pair = items::read::<LinkItem>(item.clone())?.pair();
                let own = Key::account_link(prefix, LinkSide::Roblox(pair.roblox));
                if Key::of(item) == Some(own) {
                    keys.push(Key::link_consent(prefix, pair.discord));
                    let discord = LinkSide::Discord(pair.discord);
                    keys.push(Key::account_link(prefix, discord));
                    keys.push(Key::link_code_use(prefix, discord));
                }
            }
            Some(StoredKind::LinkCodeUse) => {
                let code_use: CodeUseItem = items::read(item.clone())?;
                keys.extend(code_use.code.map(|hash| Key::link_code(prefix, &hash)));
            }
            _ => {}
        }
    }
    Ok(keys)
}
