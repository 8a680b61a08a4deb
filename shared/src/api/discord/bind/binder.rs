//! Checks a key with Roblox, stores it, and logs that it was stored. Nothing here can read a key again.

use aws_config::SdkConfig;

use super::super::commander::Commander;
use super::super::desk::CommandDesk;
use super::super::flow::{Flow, Stop};
use super::super::person::GuildPerson;
use super::{bound_experience, contains_key, typed_key};
use crate::api::auth::{Administer, Moderator};
use crate::domain::activity::{Activity, ActivityDetails, ActivityId, KeyBinding};
use crate::domain::actor::Channel;
use crate::domain::discord::DiscordMessage;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use crate::integrations::roblox::{KeyInfo, Roblox, RobloxError, RobloxKey};
use crate::integrations::secret_text::SecretText;
use crate::integrations::secret_writer::{SecretOutcome, SecretWriter};
use crate::integrations::secrets::SecretError;

const NO_ANSWER: &str = "Roblox does not answer, so the key could not be checked and was not stored. Try again in a minute.";

/// What binding a key works with.
#[derive(Clone, Debug)]
pub struct KeyBinder {
    roblox: Roblox,
    secrets: SecretWriter,
    stack: String,
}

impl KeyBinder {
    /// Stores keys for the stack in `STACK_NAME`.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, lambda_http::Error> {
        Ok(Self {
            roblox: Roblox::from_environment()?,
            secrets: SecretWriter::new(config),
            stack: std::env::var("STACK_NAME")?,
        })
    }

    /// The name of the secret. The mirror and `group-role` may read it, as every name of the stack.
    fn secret(&self, prefix: WorkspacePrefix, experience: Option<ExperienceId>) -> String {
        let of = experience.map_or_else(|| "workspace".to_owned(), |id| id.to_string());
        format!("portcullis/{}/bound/{prefix}/{of}", self.stack)
    }

    /// The universe of the experience, if Roblox accepts the key there.
    async fn check(
        &self,
        key: &SecretText,
        experience: Option<ExperienceId>,
    ) -> Flow<Option<UniverseId>> {
        let key = RobloxKey::from(key.clone());
        let info = self
            .roblox
            .introspect(&key)
            .await
            .map_err(|error| refused(&error))?;
        if !info.enabled || info.expired {
            return Err(Stop::say(
                "The key is disabled or has expired, so it was not stored. Create a new one in the Creator \
                 Dashboard.",
            ));
        }
        let Some(experience) = experience else {
            return Ok(None);
        };
        let universe = self.roblox.universe_of(experience).await;
        let universe = universe.map_err(|_| Stop::say(NO_ANSWER))?;
        let universe = universe.ok_or_else(|| {
            Stop::Say(format!(
                "Roblox knows no universe of place {experience}, so the key was not stored."
            ))
        })?;
        demand_scopes(&info, universe)?;
        Ok(Some(universe))
    }
}

impl CommandDesk<'_> {
    /// Whether the interaction contains a key of another service, which only the function that stores it may
    /// receive.
    #[must_use]
    pub fn contains_key(&self) -> bool {
        contains_key(self.interaction)
    }

    /// Stores the key in the form, and says what became of it. After an error it is unknown whether it is stored.
    pub async fn bind_key(&self, binder: &KeyBinder) -> Result<DiscordMessage, ApiError> {
        match self.bound(binder).await {
            Ok(message) => Ok(message),
            Err(Stop::Say(text)) => Ok(DiscordMessage::text(text)),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Later) => Err(ApiError::Internal("nothing binds the key".to_owned())),
        }
    }

    async fn bound(&self, binder: &KeyBinder) -> Flow<DiscordMessage> {
        if !self.contains_key() {
            let other = "the interaction is not the form with a key".to_owned();
            return Err(Stop::Failed(ApiError::Internal(other)));
        }
        // An old one must not be stored after its sender has given up.
        if !self.interaction.is_answerable(self.moment) {
            return Err(Stop::say("The form is too old: use `/bindapikey` again."));
        }
        let person = GuildPerson::of(self.store, self.interaction).await?;
        let by = Commander::of(self, &person).await?;
        if let Some(trace) = self.trace {
            trace.identify(by.workspace.guid, &by.member.id.to_string());
        }
        let administrator = by.with::<Administer>()?;
        let experience = bound_experience(self, &by).await?;
        let key = typed_key(self)?;
        let universe = binder.check(&key, experience).await?;
        let (prefix, secret) = (by.prefix(), binder.secret(by.prefix(), experience));
        let stored = binder.secrets.store(&secret, self.id()?.get(), &key).await;
        if stored.map_err(failed)? == SecretOutcome::Superseded {
            return Err(Stop::say(
                "A key that was sent after this one is stored already, so this one was not.",
            ));
        }
        let binding = KeyBinding {
            experience_id: experience.map(ExperienceId::get),
            universe_id: universe.map(UniverseId::get),
            secret: secret.clone(),
        };
        let activity = self.activity(&administrator, binding)?;
        self.store
            .record_activity_with_retry(prefix, &activity)
            .await?;
        let uses = self.uses(prefix, experience, &secret).await?;
        Ok(DiscordMessage::text(format!(
            "The key is stored as the secret `{secret}`, and is not shown again. {uses}"
        )))
    }

    /// The same for a repeat, so that it is recorded once.
    fn activity(
        &self,
        administrator: &Moderator<Administer>,
        binding: KeyBinding,
    ) -> Flow<Activity> {
        let (id, member) = (self.id()?, administrator.member());
        Ok(Activity {
            id: ActivityId::of(&["key-bound", &id.to_string()]),
            moment: id.created(),
            user: None,
            key_id: member.id.to_string(),
            channel: Some(Channel::Discord),
            moderator: Some(member.moderator()),
            principal: None,
            reason: None,
            details: ActivityDetails::KeyBound(binding),
        })
    }

    /// What uses the key, or who can let something use it.
    async fn uses(
        &self,
        prefix: WorkspacePrefix,
        experience: Option<ExperienceId>,
        secret: &str,
    ) -> Flow<String> {
        let Some(experience) = experience else {
            return Ok(format!(
                "The operator lets mirrors and groups use it: `portcullis mirror set PLACE --secret {secret}` or \
                 `portcullis group allow GROUP --secret {secret}`."
            ));
        };
        let mirror = self.store.mirror(prefix, experience).await?;
        let set = format!("`portcullis mirror set {experience} --secret {secret}`");
        Ok(match mirror {
            Some(mirror) if mirror.settings.secret == secret => {
                "The mirror of the experience uses it within a minute.".to_owned()
            }
            Some(_) => format!(
                "The mirror of the experience uses another secret until the operator changes that: {set}."
            ),
            None => format!(
                "The operator starts the mirror of the experience with it, which applies bans on Roblox: {set}."
            ),
        })
    }
}

fn demand_scopes(info: &KeyInfo, universe: UniverseId) -> Flow<()> {
    let missing = info.missing(universe);
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = missing.iter().map(|scope| format!("`{scope}`")).collect();
    Err(Stop::Say(format!(
        "The key lacks these scopes for universe {universe}, so it was not stored: {}. Add them in the Creator \
         Dashboard, Open Cloud, API keys.",
        missing.join(", ")
    )))
}

/// Why a key is not stored. Roblox's words are not repeated: they may contain what was sent.
fn refused(error: &RobloxError) -> Stop {
    match error {
        RobloxError::Unauthorized { .. } | RobloxError::Refused { .. } => Stop::say(
            "Roblox does not accept this key, so it was not stored. Copy it again from the Creator Dashboard.",
        ),
        RobloxError::RateLimited { .. } | RobloxError::Unavailable(_) => Stop::say(NO_ANSWER),
    }
}

fn failed(error: SecretError) -> Stop {
    Stop::Failed(match error {
        SecretError::Unusable(detail) => ApiError::Internal(detail),
        SecretError::Unavailable(detail) => ApiError::ServiceUnavailable {
            service: "AWS Secrets Manager",
            detail,
            retry_after: 60,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrations::roblox::RobloxScope;

    fn scope(name: &str, operations: &[&str]) -> RobloxScope {
        RobloxScope {
            name: name.to_owned(),
            operations: operations.iter().map(|it| (*it).to_owned()).collect(),
            universes: Some(vec!["7".to_owned()]),
            groups: None,
        }
    }

    #[test]
    fn key_without_a_scope_is_refused_by_its_name() {
        let [restrictions, messages] = [
            scope("universe.user-restriction", &["read", "write"]),
            scope("universe-messaging-service", &["publish"]),
        ];
        let universe = UniverseId::new(7).unwrap();
        let mut info = KeyInfo {
            enabled: true,
            scopes: vec![restrictions.clone(), messages],
            ..KeyInfo::default()
        };
        assert!(demand_scopes(&info, universe).is_ok());
        info.scopes = vec![restrictions];
        let Err(Stop::Say(text)) = demand_scopes(&info, universe) else {
            panic!()
        };
        assert!(
            text.contains("`universe-messaging-service:publish`"),
            "{text}"
        );
    }
}
