//! Redeems codes: a right one links two accounts, a wrong one counts against who typed it.

use aws_sdk_dynamodb::types::Put;

use super::item::{CodeItem, CodeUseItem, LinkItem, RedeemedCode, WrongCodesItem};
use super::write::{LinkActor, LinkChange, deleting_version, writing_link};
use crate::domain::account_links::{
    AccountLink, DiscordName, LinkCode, LinkPair, LinkProof, LinkSide, LinkVerdict,
    WRONG_CODES_OF_KEY, judge_link,
};
use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind, attributes};
use crate::store::dynamo::versions;

/// How often a call is retried after a conflict with another one about the same code or accounts.
const ROUNDS: u32 = 8;

/// The seconds of an hour.
const HOUR: u64 = 3_600;

const NO_CODE: ApiError = ApiError::NotFound(
    "this code is unknown, used or expired: make a new one. A code made in Discord is typed in the \
     game, and the other way round",
);

/// A code and the account that typed it.
#[derive(Clone, Debug)]
pub struct TypedLinkCode {
    pub code: LinkCode,
    pub by: LinkSide,
}

/// A code that its typist could redeem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLinkCode {
    /// The account that made it.
    pub account: LinkSide,
    /// Its Discord name, if that was given.
    pub discord_name: Option<DiscordName>,
    pub expires: UnixSeconds,
}

/// What is stored about a code that was typed.
#[derive(Debug, Default)]
struct Found {
    code: Option<CodeItem>,
    /// What the typist has done with codes.
    code_use: Option<CodeUseItem>,
    /// The typist's link.
    link: Option<LinkItem>,
    /// The wrong codes of the caller's key in this hour.
    of_key: WrongCodesItem,
}

/// A typed code after the limits.
#[derive(Debug)]
enum Typed {
    /// The code, the pair that it would link, and the typist's link.
    Open(CodeItem, LinkPair, Option<LinkItem>),
    /// The same two accounts have redeemed it, and may repeat that until this second.
    Redeemed(LinkItem, UnixSeconds),
}

impl Store {
    /// What a code is about, without using it up. A wrong code counts.
    pub async fn preview_link_code(
        &self,
        prefix: WorkspacePrefix,
        typed: &TypedLinkCode,
        by: &LinkActor,
    ) -> Result<OpenLinkCode, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now().seconds();
            let found = self.typed_code(prefix, typed, by, now, &mut rounds).await?;
            let Some(found) = found else { continue };
            return Ok(match found {
                Typed::Open(code, _, _) => OpenLinkCode {
                    account: code.by(),
                    discord_name: code.discord_name,
                    expires: code.ttl,
                },
                Typed::Redeemed(link, expires) => OpenLinkCode {
                    account: typed.by.other_of(link.pair()),
                    discord_name: None,
                    expires,
                },
            });
        }
    }

    /// Links the account that made a code and the one that typed it. A repeat by the same two, while
    /// the code would be valid, succeeds; so does one under the same idempotency key. Returns the link
    /// unless it has been removed since.
    pub async fn redeem_link_code(
        &self,
        prefix: WorkspacePrefix,
        typed: &TypedLinkCode,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
    ) -> Result<Option<AccountLink>, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now().seconds();
            if self.is_repeated_link_call(prefix, by, name, now).await? {
                return self.account_link(prefix, typed.by).await;
            }
            let found = self.typed_code(prefix, typed, by, now, &mut rounds).await?;
            let (code, pair, own) = match found {
                None => continue,
                Some(Typed::Redeemed(link, _)) => return Ok(Some(link.link())),
                Some(Typed::Open(code, pair, own)) => (code, pair, own),
            };
            let other = self.link_item(prefix, code.by()).await?;
            let hash = typed.code.hash(prefix);
            let is_used = other
                .as_ref()
                .is_some_and(|other| other.proven_by(&hash, now).is_some());
            let code_key = Key::link_code(prefix, &hash);
            let used = RedeemedCode {
                hash,
                until: code.ttl,
            };
            let (item, is_new) = match (verdict(pair, own.as_ref(), other.as_ref()), &own) {
                // Another one has redeemed the code since it was read.
                (LinkVerdict::Taken, _) if is_used => return Err(NO_CODE),
                (LinkVerdict::Taken, _) => return Err(ApiError::AlreadyLinked),
                (LinkVerdict::Same, Some(own)) => (own.proven_again(used), false),
                _ => (LinkItem::new(&proven(pair, now), Some(used)), true),
            };
            let table = &self.database.tables().bans;
            let mut writes = writing_link(table, prefix, &item, own.as_ref())?;
            writes.push(deleting_version(table, code_key, code.version)?);
            if is_new {
                let event = self.link_event(prefix, &item, LinkChange::Added, by);
                writes.push(event.await?);
            }
            writes.extend(self.used_link_key(prefix, by, name, now)?);
            let written = self.database.transact_counted(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(Some(item.link()));
            }
        }
    }

    /// A typed code, within the limits on wrong codes; none after a conflict, when it has to be read
    /// again. A wrong one is counted, which conflicts with any other count: so exactly as many are
    /// answered as are allowed.
    async fn typed_code(
        &self,
        prefix: WorkspacePrefix,
        typed: &TypedLinkCode,
        by: &LinkActor,
        now: UnixSeconds,
        rounds: &mut Rounds,
    ) -> Result<Option<Typed>, ApiError> {
        let mut found = self.found(prefix, typed, by, now).await?;
        let hash = typed.code.hash(prefix);
        let redeemed = found
            .link
            .take_if(|link| link.proven_by(&hash, now).is_some());
        if let Some(link) = redeemed {
            let until = link.proven_by(&hash, now).unwrap_or(now);
            return Ok(Some(Typed::Redeemed(link, until)));
        }
        demand_tries(&found, by, now)?;
        let code = found.code.and_then(|code| {
            let pair = code.by().pair_with(typed.by)?;
            Some((code, pair))
        });
        if let Some((code, pair)) = code {
            return Ok(Some(Typed::Open(code, pair, found.link)));
        }
        let counting = self.count_wrong(prefix, typed.by, found.code_use.as_ref(), by, now);
        let counted = counting.await;
        match self.database.retry_on_conflict(rounds, counted).await? {
            Some(()) => Err(NO_CODE),
            None => Ok(None),
        }
    }

    async fn found(
        &self,
        prefix: WorkspacePrefix,
        typed: &TypedLinkCode,
        by: &LinkActor,
        now: UnixSeconds,
    ) -> Result<Found, DatabaseError> {
        let keys = [
            Key::link_code(prefix, &typed.code.hash(prefix)),
            Key::link_code_use(prefix, typed.by),
            Key::account_link(prefix, typed.by),
            wrong_codes(prefix, by, now),
        ];
        let mut found = Found::default();
        for item in self.database.batch_get(keys, true).await? {
            match StoredKind::of(&item) {
                Some(StoredKind::LinkCode) => found.code = Some(items::read(item)?),
                Some(StoredKind::LinkCodeUse) => found.code_use = Some(items::read(item)?),
                Some(StoredKind::AccountLink) => found.link = Some(items::read(item)?),
                _ => found.of_key = items::read(item)?,
            }
        }
        Ok(found)
    }

    async fn count_wrong(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
        earlier: Option<&CodeUseItem>,
        by: &LinkActor,
        now: UnixSeconds,
    ) -> Result<(), DatabaseError> {
        let after = CodeUseItem::with_wrong_code(earlier, now);
        let key = Key::link_code_use(prefix, account);
        let item = items::write(key, StoredKind::LinkCodeUse, after)?;
        let put = Put::builder().set_item(Some(item));
        let table = &self.database.tables().bans;
        let write = versions::put_if_version(table, put, earlier.map(|it| it.version))?;
        self.database.transact_counted(vec![write]).await?;
        let counting = self
            .database
            .updating(wrong_codes(prefix, by, now))
            .update_expression("SET #kind = :kind, #ttl = :ttl ADD #count :one")
            .expression_attribute_names("#kind", attributes::KIND)
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_names("#count", attributes::COUNT)
            .expression_attribute_values(":kind", text(StoredKind::WrongCodes))
            .expression_attribute_values(":ttl", number(now.plus(HOUR)))
            .expression_attribute_values(":one", number(1));
        self.database.update(counting).await?;
        Ok(())
    }
}

/// Where wrong codes are counted: by key, and those of all people on Discord together.
fn wrong_codes(prefix: WorkspacePrefix, by: &LinkActor, now: UnixSeconds) -> Key {
    let hour = now.0.checked_div(HOUR).unwrap_or_default();
    let counted = match by.channel {
        Channel::Discord => Channel::Discord.as_str(),
        _ => &by.id,
    };
    Key::wrong_codes(prefix, counted, hour)
}

fn verdict(pair: LinkPair, own: Option<&LinkItem>, other: Option<&LinkItem>) -> LinkVerdict {
    let (own, other) = (own.map(LinkItem::link), other.map(LinkItem::link));
    judge_link(pair, LinkProof::Code, own.as_ref(), other.as_ref())
}

fn proven(pair: LinkPair, now: UnixSeconds) -> AccountLink {
    AccountLink {
        pair,
        proof: LinkProof::Code,
        linked: now,
        confirmed: None,
    }
}

/// 429 if the account, or the key or Discord, has used up its wrong codes.
fn demand_tries(found: &Found, by: &LinkActor, now: UnixSeconds) -> Result<(), ApiError> {
    let wrong = found.code_use.as_ref().map(|it| &it.wrong);
    if let Some(retry_after) = wrong.and_then(|wrong| wrong.wait(now)) {
        return Err(ApiError::RateLimited {
            what: "this account has typed five wrong codes within an hour",
            retry_after,
        });
    }
    if found.of_key.count >= WRONG_CODES_OF_KEY {
        let begun = now.0.checked_rem(HOUR).unwrap_or_default();
        return Err(ApiError::RateLimited {
            what: match by.channel {
                Channel::Discord => "on Discord, too many wrong codes were typed within an hour",
                _ => "with this key, too many wrong codes were typed within an hour",
            },
            retry_after: HOUR.saturating_sub(begun),
        });
    }
    Ok(())
}
