//! A client whose calls become activities in the event log.

use end_to_end::role_change;
use shared::domain::ids::UserId;

use super::Client;
use crate::history::RecordedActivity;

/// Records activities about users, and now and then about none, until the run is over.
pub async fn act(mut client: Client<'_>) {
    while client.pause(200, 1_200).await {
        let user = client.user().filter(|_| !client.chance(20));
        let Some(workspace) = client.recorder.workspaces.get(client.workspace) else {
            return;
        };
        let activity = role_change(user.map(UserId::get));
        let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
        let recorded = store.record_activity(prefix, &activity).await;
        client.recorder.note(RecordedActivity {
            workspace: client.workspace,
            id: activity.id.as_str().to_owned(),
            is_certain: recorded.is_ok(),
        });
    }
}
