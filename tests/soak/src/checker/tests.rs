//! The checker can fail: histories that are sound, each broken in one way.

mod broken;
mod log;
mod outside;
mod sound;
mod staged;
