//! Makes a code that links the account that asks for it with the one that redeems it.

use serde::Serialize;
use shared::api::auth::{Caller, WriteLinks};
use shared::api::{ApiRequest, Fields, Reply};
use shared::domain::account_links::{DiscordName, LinkSide};
use shared::domain::error::ApiError;
use shared::domain::rules::Meaning;
use shared::store::Store;

/// The longest name in bytes: a character has at most four.
const LONGEST_NAME: usize = 4 * DiscordName::LONGEST;

#[derive(Serialize)]
struct NewCode {
    status: &'static str,
    code: String,
    expires: u64,
}

struct Wanted {
    account: LinkSide,
    discord_name: Option<DiscordName>,
}

impl Wanted {
    /// What the call asks for, in one spelling.
    fn meaning(&self) -> Meaning {
        let (side, id) = match self.account {
            LinkSide::Roblox(user) => ("roblox", user.to_string()),
            LinkSide::Discord(user) => ("discord", user.to_string()),
        };
        let name = self.discord_name.as_ref();
        let name = name.map(DiscordName::as_str).unwrap_or_default();
        Meaning::of_parts(&["link-codes", side, &id, name])
    }
}

pub async fn handle(
    caller: Caller<WriteLinks>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let wanted = parse(&request)?;
    let name = request.idempotency_key(&wanted.meaning())?;
    let by = caller.link_actor();
    let made = store.make_link_code(
        caller.prefix(),
        wanted.account,
        wanted.discord_name.as_ref(),
        &by,
        name.as_ref(),
    );
    let made = made.await?;
    Reply::json(&NewCode {
        status: "ok",
        code: made.code.reveal(),
        expires: made.expires.0,
    })
}

fn parse(request: &ApiRequest) -> Result<Wanted, ApiError> {
    let mut body = request.body()?;
    let account = body.link_side();
    let discord_name = read_name(&mut body, account);
    body.build(|| {
        Some(Wanted {
            account: account?,
            discord_name,
        })
    })
}

/// The name that the game shows before its player redeems the code.
fn read_name(body: &mut Fields, account: Option<LinkSide>) -> Option<DiscordName> {
    let sent = body.optional_text("discordName", LONGEST_NAME)?;
    let name = DiscordName::new(&sent);
    if name.is_none() {
        body.reject("discordName", "must be 1 to 32 characters on one line");
    } else if matches!(account, Some(LinkSide::Roblox(_))) {
        body.reject(
            "discordName",
            "must be sent with discordId: a code for userId has none",
        );
    }
    name
}
