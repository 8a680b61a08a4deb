//! The servers outside AWS that a deployed stack calls: a webhook receiver and the fake Roblox, with the place,
//! the key and the group of the demo. For tests of a deployment.
//!
//! It prints its addresses as one line of JSON, then a line for each delivery and each change, and ends with
//! its parent.

use std::os::unix::process::parent_id;

use local_stack::{
    Result,
    process::parent_gone,
    receiver::Receiver,
    roblox::{Group, Roblox},
    seed::outward::{BOT, GROUP, MEMBER, OPEN_CLOUD_KEY, PLACE, UNIVERSE},
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let parent = parent_id();
    let receiver = Receiver::start(0, true)?;
    let roblox = Roblox::start(0).await?.printing();
    roblox.add_place(PLACE, UNIVERSE);
    roblox.add_key(OPEN_CLOUD_KEY, &[UNIVERSE]);
    let group = Group::new(&[(100, 0), (101, 1), (110, 10), (150, 50), (250, 250)]);
    let group = group.with(BOT, &[101, 250]).with(MEMBER, &[101]);
    roblox.set_group(GROUP, group);
    println!(
        "{}",
        json!({
            "hooks": receiver.url(""), "roblox": roblox.endpoint(), "key": OPEN_CLOUD_KEY,
            "place": PLACE, "universe": UNIVERSE, "group": GROUP, "bot": BOT, "member": MEMBER,
        })
    );
    parent_gone(parent).await;
    Ok(())
}
