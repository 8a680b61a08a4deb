//! Identifies who runs the command, for the history.

use aws_config::SdkConfig;

/// The maximum length of a local user's name, in characters.
const LONGEST: usize = 64;

/// The ARN of the AWS principal; with a local database, or if STS does not answer, the local user.
pub async fn principal(sdk: &SdkConfig, is_local: bool) -> String {
    if is_local {
        return local_user();
    }
    let client = aws_sdk_sts::Client::new(sdk);
    let answer = client.get_caller_identity().send().await;
    if let Some(arn) = answer.ok().and_then(|answer| answer.arn) {
        return arn;
    }
    warning!("AWS STS did not answer, so the history will show your local user instead");
    local_user()
}

fn local_user() -> String {
    let set = |name| std::env::var(name).ok().filter(|user| !user.is_empty());
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(set);
    let user = user.unwrap_or_else(|| "unknown".to_owned());
    let name: String = user
        .chars()
        .filter(|letter| !letter.is_control())
        .take(LONGEST)
        .collect();
    format!("local user {name}")
}
