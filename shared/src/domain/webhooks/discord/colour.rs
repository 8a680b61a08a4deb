//! The colours beside messages.

use serde::Serialize;

/// A colour as Discord writes it: red, green and blue in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EmbedColour(u32);

impl EmbedColour {
    pub const RED: Self = Self(0x00ed_4245);
    pub const YELLOW: Self = Self(0x00fe_e75c);
    pub const GREEN: Self = Self(0x0057_f287);
    pub const GREY: Self = Self(0x0099_aab5);
    pub const BLURPLE: Self = Self(0x0058_65f2);
    pub const BLUE: Self = Self(0x0034_98db);
    pub const ORANGE: Self = Self(0x00e6_7e22);
}
