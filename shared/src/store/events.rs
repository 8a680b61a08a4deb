//! The event log, and its deliveries to webhook endpoints.

pub(super) mod activities;
pub(super) mod deliveries;
pub(super) mod discord_acts;
pub(super) mod endpoints;
pub(super) mod event_log;
