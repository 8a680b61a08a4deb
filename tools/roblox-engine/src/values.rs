//! Values and libraries that scripts use beside services.

pub(crate) mod enums;
pub(crate) mod random;
pub(crate) mod secret;
pub(crate) mod signal;
pub(crate) mod task;
pub(crate) mod time;
