//! `/bindapikey`: a key of Roblox Open Cloud, sent in a form. Only the function that stores it, and that can read
//! none, receives the form's content beyond this one.

mod binder;

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use crate::api::auth::Administer;
use crate::domain::discord::{
    DiscordModal, Interaction, InteractionKind, InteractionReply, ModalField,
};
use crate::domain::ids::{ExperienceId, PlaceId};
use crate::domain::members::MemberPermission;
use crate::integrations::secret_text::SecretText;

pub use binder::KeyBinder;

/// The `custom_id` of the form.
pub const MODAL: &str = "bind-key";

/// The field with the key.
const KEY: &str = "key";

const PLACE: &str = "placeid";

/// The longest key. Those of Roblox have about 1,000 characters.
const LONGEST_KEY: usize = 4_000;

/// Whether the form opens.
pub fn opens_form(asked: &Interaction) -> bool {
    asked.kind == InteractionKind::Command && asked.command == "bindapikey"
}

/// Whether the interaction is the form with a key in it.
pub fn contains_key(sent: &Interaction) -> bool {
    sent.kind == InteractionKind::Modal && sent.custom_id == MODAL
}

/// Opens the form.
pub async fn form(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.demand_perhaps(MemberPermission::Administrator)?;
    bound_experience(desk, by).await?;
    let field = ModalField {
        name: PLACE,
        label: "Experience",
        description: "Its place id; empty for the key of the whole workspace",
        value: desk.interaction.option(PLACE).to_owned(),
        is_required: false,
        most: 30,
        is_long: false,
    };
    let key = ModalField {
        name: KEY,
        label: "Key of Roblox Open Cloud",
        description: "It is stored in AWS Secrets Manager, and never shown again",
        value: String::new(),
        is_required: true,
        most: LONGEST_KEY,
        is_long: true,
    };
    Ok(InteractionReply::Modal(DiscordModal {
        custom_id: MODAL,
        title: "Bind a key of Roblox Open Cloud".to_owned(),
        fields: vec![field, key],
    }))
}

/// Refuses what can be refused without Roblox, and leaves the rest to the function that stores keys.
pub async fn submitted(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<Administer>()?;
    bound_experience(desk, by).await?;
    typed_key(desk)?;
    Err(Stop::Later)
}

/// The experience whose key is bound; none for the whole workspace.
async fn bound_experience(desk: &CommandDesk<'_>, by: &Commander) -> Flow<Option<ExperienceId>> {
    let typed = desk.interaction.option(PLACE);
    if typed.is_empty() {
        return Ok(None);
    }
    let is_plain = typed.bytes().all(|byte| byte.is_ascii_digit());
    let place: Option<PlaceId> = typed.parse().ok().filter(|_| is_plain);
    let links = desk.store.links(by.prefix()).await?;
    let mut roots = links.iter().filter(|link| link.join.is_none());
    let experience = place.map(ExperienceId::of_root);
    let found = roots.find(|link| Some(link.experience) == experience);
    let found = found.ok_or_else(|| {
        Stop::say(
            "This experience is not linked to the workspace, or part of another. `/places` lists those that \
             are; without a place id, the key is of the whole workspace.",
        )
    })?;
    Ok(Some(found.experience))
}

fn typed_key(desk: &CommandDesk<'_>) -> Flow<SecretText> {
    SecretText::new(desk.interaction.option(KEY)).ok_or_else(|| {
        Stop::say("This is no key: it must be one line, as the Creator Dashboard shows it.")
    })
}
