//! `{"list":[…]}`, one ban per line.

use super::Format;
use crate::domain::ban_info::BanPresenter;
use crate::domain::error::ApiError;
use crate::store::BanRecord;

#[derive(Debug, Default)]
pub struct Json {
    any: bool,
}

impl Format for Json {
    const CONTENT_TYPE: &'static str = "application/json";
    const EXTENSION: &'static str = "json";

    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        out.extend(b"{\"list\":[");
        Ok(())
    }

    fn row(
        &mut self,
        out: &mut Vec<u8>,
        presenter: &BanPresenter,
        row: &BanRecord,
    ) -> Result<(), ApiError> {
        out.extend(if self.any { b",\n".as_slice() } else { b"\n" });
        self.any = true;
        serde_json::to_writer(out, &row.listed(presenter))
            .map_err(|error| ApiError::Internal(format!("could not write a row: {error}")))
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend(b"\n]}\n");
    }
}
