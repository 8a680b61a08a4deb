//! The format of a log event: the common fields, those of its kind, and the metrics directive for
//! CloudWatch.

use std::io::Write;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::metrics::{EmittedMetrics, Measured, directive};
use super::{Batch, Run, Scan, milliseconds};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;

/// The kind of a line.
pub(super) enum Kind<'a> {
    /// A request of the API.
    Request { method: &'a str, status: u16 },
    /// A batch of stream records.
    Batch(Batch),
    /// A run in the background.
    Run(&'a Run),
}

pub(super) struct Line<'a> {
    pub now: UnixMillis,
    pub stack: &'a str,
    pub request_id: &'a str,
    pub route: &'static str,
    pub page: Option<&'static str>,
    pub discord: Option<&'a str>,
    pub roblox: Option<&'a str>,
    pub kind: Kind<'a>,
    pub workspace: Option<String>,
    pub key_id: Option<&'a str>,
    pub experience: Option<u64>,
    pub measured: &'a Measured<'a>,
    pub level: EmittedMetrics,
}

impl Line<'_> {
    /// Writes the line. There is nowhere to report a failure to write it.
    pub fn write(&self) {
        if let Ok(mut line) = serde_json::to_vec(self) {
            line.push(b'\n');
            let _ = std::io::stdout().lock().write_all(&line);
        }
    }

    const fn severity(&self) -> &'static str {
        match self.measured.error {
            Some(ApiError::Internal(_)) => "ERROR",
            Some(ApiError::Unavailable(_) | ApiError::ServiceUnavailable { .. }) => "WARN",
            _ => match self.kind {
                // With `LogLevel` WARN, its metrics would be lost otherwise.
                Kind::Run(run) if run.is_notable() => "WARN",
                _ => "INFO",
            },
        }
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        // With a time in another format, Lambda would log the line at level `INFO`.
        map.serialize_entry("timestamp", &self.now.rfc3339())?;
        map.serialize_entry("level", self.severity())?;
        let message = match self.kind {
            Kind::Request { .. } => "request",
            Kind::Batch(_) => "batch",
            Kind::Run(_) => "run",
        };
        map.serialize_entry("message", message)?;
        map.serialize_entry("requestId", self.request_id)?;
        map.serialize_entry("stack", self.stack)?;
        map.serialize_entry("route", self.route)?;
        if let Some(page) = self.page {
            map.serialize_entry("page", page)?;
        }
        match &self.kind {
            Kind::Request { method, status } => {
                map.serialize_entry("method", method)?;
                map.serialize_entry("status", status)?;
            }
            Kind::Batch(batch) => {
                map.serialize_entry("records", &batch.records)?;
                map.serialize_entry("steps", &batch.steps)?;
            }
            Kind::Run(_) => {}
        }
        let (times, others) = (self.measured.times(), self.measured.others());
        for metric in &times {
            map.serialize_entry(metric.name, &metric.value)?;
        }
        let consumed = self.measured.consumed;
        map.serialize_entry("databaseMs", &milliseconds(consumed.waited))?;
        map.serialize_entry("databaseCalls", &consumed.calls)?;
        if consumed.retries > 0 {
            map.serialize_entry("retries", &consumed.retries)?;
        }
        map.serialize_entry("readUnits", &consumed.read_units)?;
        map.serialize_entry("writeUnits", &consumed.write_units)?;
        map.serialize_entry("coldStart", &self.measured.start.is_some())?;
        for metric in &others {
            map.serialize_entry(metric.name, &metric.value)?;
        }
        if let Kind::Run(run) = self.kind {
            if let Some(users) = run.snapshot_users {
                map.serialize_entry("snapshotUsers", &users)?;
            }
            let guilds = [
                ("guildsRead", run.guilds_read),
                ("guildsFailed", run.guilds_failed),
                ("guildBansRecorded", run.guild_bans_recorded),
                ("guildRulesFollowed", run.guild_rules_followed),
                ("guildRulesSkipped", run.guild_rules_skipped),
            ];
            for (name, count) in run.roles.fields().into_iter().chain(guilds) {
                if count > 0 {
                    map.serialize_entry(name, &count)?;
                }
            }
            match run.scan {
                Some(Scan::Reported(file, result)) => {
                    map.serialize_entry("file", &file.to_string())?;
                    map.serialize_entry("scanResult", &result)?;
                }
                Some(Scan::Ignored) => map.serialize_entry("scanResult", "ignored")?,
                None => {}
            }
        }
        if let Some(workspace) = &self.workspace {
            map.serialize_entry("workspace", workspace)?;
        }
        if let Some(key_id) = self.key_id {
            map.serialize_entry("keyId", key_id)?;
        }
        if let Some(experience) = self.experience {
            map.serialize_entry("experience", &experience)?;
        }
        if let Some(discord) = self.discord {
            map.serialize_entry("discord", discord)?;
        }
        if let Some(roblox) = self.roblox {
            map.serialize_entry("roblox", roblox)?;
        }
        if let Some(error) = self.measured.error {
            map.serialize_entry("errorCode", error.code())?;
            if let Some(detail) = error.detail() {
                map.serialize_entry("error", &detail)?;
            }
        }
        let metrics = times.iter().chain(&others);
        if let Some(directive) = directive(self.now, self.level, metrics) {
            map.serialize_entry("_aws", &directive)?;
        }
        map.end()
    }
}
