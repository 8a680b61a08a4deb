//! The moderators' console: pages for people, under `/console`. Two functions serve them, so that the one
//! which decides about players cannot change who may: [`moderation`] and [`administration`].

pub mod administration;
pub mod moderation;

mod assets;
mod ban_view;
mod console;
mod csrf;
mod discord;
mod form;
mod frame;
mod headers;
mod look;
mod names;
mod pages;
mod people;
mod router;
mod session;
mod times;
mod visit;
