//! Which of several ways to an installation is taken: the one that was given most explicitly.

use anyhow::Result;
use clap::ArgMatches;
use clap::parser::ValueSource;

use super::ConnectionArgs;
use crate::api::{ApiAddress, ApiClient, ApiKey};
use crate::contexts::{Context, ContextField};

/// The rank of an argument; a variable has 2, a context 1.
const ARGUMENT: u8 = 3;

impl ConnectionArgs {
    /// Ignores what conflicts with a value that takes precedence. `--endpoint` or both tables override
    /// the stack, the stack overrides the tables, and the API and the tables override each other.
    pub fn prefer_arguments(&mut self, matches: &ArgMatches) {
        let rank = |id: &str| match matches.value_source(id) {
            Some(ValueSource::CommandLine) => ARGUMENT,
            Some(ValueSource::EnvVariable) => 2,
            Some(_) => 1,
            None => 0,
        };
        let (bans, workspaces) = (rank("bans_table"), rank("workspaces_table"));
        let direct = rank("endpoint").max(bans.min(workspaces));
        let stack = rank("stack");
        if stack < direct {
            self.stack = None;
        }
        if stack > bans {
            self.bans_table = None;
        }
        if stack > workspaces {
            self.workspaces_table = None;
        }
        if stack > rank("evidence_bucket") {
            self.evidence_bucket = None;
        }
        let (api, tables) = (rank("api"), stack.max(direct));
        if api < tables {
            self.api = None;
        }
        if api > tables {
            self.forget_tables();
        }
        self.prefers_key_file = rank("key_file") == ARGUMENT;
    }

    fn forget_tables(&mut self) {
        self.stack = None;
        self.endpoint = None;
        self.bans_table = None;
        self.workspaces_table = None;
    }

    /// Takes from a context what no option sets.
    pub fn adopt(&mut self, context: Option<&Context>) {
        let variable = context.and_then(|context| context.value(ContextField::KeyVariable));
        self.key_variable = variable.map(str::to_owned);
    }

    /// Works through the API at this address, if there is one.
    pub fn use_api(&mut self, address: Option<ApiAddress>) {
        if address.is_some() {
            self.api = address;
            self.forget_tables();
        }
    }

    /// Whether commands that can work through the API do.
    pub const fn uses_api(&self) -> bool {
        self.api.is_some()
    }

    /// Whether the API runs on this machine.
    pub fn has_local_api(&self) -> bool {
        self.api.as_ref().is_some_and(ApiAddress::is_here)
    }

    /// Whether nothing names tables besides the API.
    pub fn has_only_api(&self) -> bool {
        let names_tables = self.bans_table.is_some() && self.workspaces_table.is_some();
        self.api.is_some() && self.stack.is_none() && !names_tables && !self.is_local()
    }

    /// The client of the API, if commands work through it.
    pub fn api(&self) -> Result<Option<ApiClient>> {
        let Some(address) = &self.api else {
            return Ok(None);
        };
        let file = self.key_file.as_deref();
        let key = ApiKey::find(file, self.prefers_key_file, self.key_variable.as_deref())?;
        detail!("API {address}, with the key from {}", key.origin());
        Ok(Some(ApiClient::new(address, key)))
    }
}
