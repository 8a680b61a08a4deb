//! Exports of any size in constant memory: in the answer if it fits Lambda's limit, otherwise
//! through the bucket.

mod csv;
mod formulas;
mod json;

pub use csv::Csv;
pub use json::Json;

use crate::api::auth::{Caller, ReadBans};
use crate::api::{LARGEST_ANSWER, Reply, weight};
use crate::domain::ban_info::BanPresenter;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::ExperienceId;
use crate::store::{BanPages, BanRecord, ExportBucket, Filter, Store, Upload};

/// A file format of an export.
pub trait Format: Send {
    const CONTENT_TYPE: &'static str;
    /// The file extension.
    const EXTENSION: &'static str;

    /// Writes what comes before the first ban.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError>;
    fn row(
        &mut self,
        out: &mut Vec<u8>,
        presenter: &BanPresenter,
        row: &BanRecord,
    ) -> Result<(), ApiError>;
    /// Writes what comes after the last ban.
    fn end(&mut self, out: &mut Vec<u8>);
}

/// Exports the bans of the caller's workspace, or those made from one experience, newest first.
pub async fn export<F: Format>(
    caller: &Caller<ReadBans>,
    store: &Store,
    bucket: &ExportBucket,
    experience: Option<ExperienceId>,
    mut format: F,
) -> Result<Reply, ApiError> {
    let now = UnixMillis::now();
    let presenter = caller.presenter(now.seconds());
    let filter = Filter {
        experience,
        ..Filter::default()
    };
    let mut bans = store.ban_list(caller.prefix(), &filter, None, None);

    let mut out = Vec::new();
    format.begin(&mut out)?;
    if fill(&mut out, &mut bans, &mut format, &presenter, Until::Answer).await? {
        format.end(&mut out);
        let body = String::from_utf8(out).map_err(|error| ApiError::Internal(error.to_string()))?;
        let name = file_name::<F>(caller, now.seconds());
        let reply = Reply::download(F::CONTENT_TYPE, &name, body);
        return Ok(reply.varying(caller.needs_vary_header()));
    }

    let name = file_name::<F>(caller, now.seconds());
    let key = format!("{}/{}-{name}", caller.workspace(), now.millis());
    let mut upload = bucket.begin(store, key, &name, F::CONTENT_TYPE).await?;
    while !fill(&mut out, &mut bans, &mut format, &presenter, Until::Part).await? {
        upload.part(std::mem::take(&mut out)).await?;
    }
    format.end(&mut out);
    upload.part(out).await?;
    Ok(Reply::see_other(&upload.finish().await?)?.varying(caller.needs_vary_header()))
}

/// When a buffer is full.
#[derive(Clone, Copy)]
enum Until {
    /// At the size of the largest answer.
    Answer,
    /// At the size of an upload part.
    Part,
}

/// Adds bans until the buffer is full; `true` if there are no more.
async fn fill<F: Format>(
    out: &mut Vec<u8>,
    bans: &mut BanPages,
    format: &mut F,
    presenter: &BanPresenter,
    until: Until,
) -> Result<bool, ApiError> {
    let mut answered = 0_usize;
    let mut weighed = 0;
    loop {
        let is_full = match until {
            Until::Answer => {
                answered = answered.saturating_add(weight(out.get(weighed..).unwrap_or(&[])));
                weighed = out.len();
                answered > LARGEST_ANSWER
            }
            Until::Part => out.len() > Upload::PART,
        };
        if is_full {
            return Ok(false);
        }
        let Some(row) = bans.next().await? else {
            return Ok(true);
        };
        format.row(out, presenter, &row)?;
    }
}

fn file_name<F: Format>(caller: &Caller<ReadBans>, now: UnixSeconds) -> String {
    let date = i64::try_from(now.0)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|instant| instant.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    format!("bans-{}-{date}.{}", caller.workspace(), F::EXTENSION)
}
