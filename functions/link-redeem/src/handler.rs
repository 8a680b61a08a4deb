//! Redeems a code, or shows whose it is so that a player can be asked first.

use serde::Serialize;
use shared::api::account_links::LinkInfo;
use shared::api::auth::{Caller, WriteLinks};
use shared::api::{ApiRequest, Reply};
use shared::domain::account_links::{DiscordName, LinkSide};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::members::DiscordId;
use shared::domain::rules::Meaning;
use shared::store::{OpenLinkCode, Store, TypedLinkCode};

/// The longest code that is read, with the dashes and spaces that people add.
const LONGEST_CODE: usize = 40;

/// What a code is about: the account that made it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    roblox_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discord_id: Option<DiscordId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discord_name: Option<DiscordName>,
    expires: u64,
}

impl From<OpenLinkCode> for Preview {
    fn from(code: OpenLinkCode) -> Self {
        let (roblox_id, discord_id) = match code.account {
            LinkSide::Roblox(user) => (Some(user), None),
            LinkSide::Discord(user) => (None, Some(user)),
        };
        Self {
            status: "ok",
            roblox_id,
            discord_id,
            discord_name: code.discord_name,
            expires: code.expires.0,
        }
    }
}

pub async fn handle(
    caller: Caller<WriteLinks>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let (typed, is_preview) = parse(&request)?;
    let name = request.idempotency_key(&meaning(&typed))?;
    let (prefix, by) = (caller.prefix(), caller.link_actor());
    if is_preview {
        let code = store.preview_link_code(prefix, &typed, &by).await?;
        return Reply::json(&Preview::from(code));
    }
    let redeeming = store.redeem_link_code(prefix, &typed, &by, name.as_ref());
    let link = redeeming.await?;
    LinkInfo::changed(&request, link.as_ref())
}

fn parse(request: &ApiRequest) -> Result<(TypedLinkCode, bool), ApiError> {
    let mut body = request.body()?;
    let code = body.text("code", LONGEST_CODE);
    let code = code.and_then(|text| {
        let code = text.parse().ok();
        if code.is_none() {
            body.reject(
                "code",
                "must be a code of six letters and digits, such as 7KX-3Q9",
            );
        }
        code
    });
    let by = body.link_side();
    let is_preview = body.optional_flag("preview").unwrap_or_default();
    body.build(|| {
        let typed = TypedLinkCode {
            code: code?,
            by: by?,
        };
        Some((typed, is_preview))
    })
}

/// What the call asks for, in one spelling.
fn meaning(typed: &TypedLinkCode) -> Meaning {
    let (side, id) = match typed.by {
        LinkSide::Roblox(user) => ("roblox", user.to_string()),
        LinkSide::Discord(user) => ("discord", user.to_string()),
    };
    Meaning::of_parts(&["link-redeem", &typed.code.reveal(), side, &id])
}
