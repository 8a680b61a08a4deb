//! What runs beside the API and its functions, and is there before them.

use std::path::Path;

use local_stack::{
    Endpoints, Result,
    lambda_api::{HttpFunctions, LambdaApi},
    object_store::ObjectStore,
    receiver::Receiver,
    secrets::Secrets,
    template::Template,
};

use crate::settings::Settings;

/// The services that functions call, and what is outside of the studio's own account.
pub(crate) struct Beside {
    pub(crate) objects: ObjectStore,
    pub(crate) secrets: Secrets,
    pub(crate) lambda: LambdaApi,
    /// A studio's own server, which prints the webhooks it gets.
    pub(crate) receiver: Receiver,
}

impl Beside {
    /// Starts everything, for functions that will listen at `address`.
    pub(crate) async fn start(
        settings: &Settings,
        template: &Template,
        address: &str,
    ) -> Result<Self> {
        let kept = |name: &str| settings.data.as_deref().map(|data: &Path| data.join(name));
        let objects = kept("objects");
        let secrets = kept("secrets.json");
        Ok(Self {
            objects: ObjectStore::start(objects.as_deref(), template.buckets()).await?,
            secrets: Secrets::start(secrets.as_deref(), settings.secrets_port).await?,
            lambda: LambdaApi::start(HttpFunctions::new(address, template)).await?,
            receiver: Receiver::start(settings.receiver_port, true).await?,
        })
    }

    /// The variables by which functions find it, and a database.
    pub(crate) fn environment(&self, database: &str) -> Vec<(String, String)> {
        local_stack::aws_environment(&Endpoints {
            database,
            objects: self.objects.endpoint(),
            lambda: self.lambda.endpoint(),
            secrets: self.secrets.endpoint(),
        })
    }
}
