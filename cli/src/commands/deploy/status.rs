//! What CloudFormation reports about a stack, a change set and a failed update.

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackCondition {
    /// It does not exist, or was never created.
    Absent,
    /// It can be updated.
    Ready,
    /// An operation is running.
    Busy,
    /// It cannot be updated; the text says what to do.
    Stuck(String),
}

impl StackCondition {
    /// The condition for a status such as `UPDATE_COMPLETE`.
    pub fn of(status: &str, stack: &str) -> Self {
        match status {
            "REVIEW_IN_PROGRESS" => Self::Absent,
            "DELETE_IN_PROGRESS" | "DELETE_FAILED" => Self::Stuck(format!(
                "the stack {stack} is being deleted ({status}): wait for the end with `aws cloudformation \
                 wait stack-delete-complete --stack-name {stack}`"
            )),
            "UPDATE_ROLLBACK_FAILED" => Self::Stuck(format!(
                "an earlier update of {stack} failed, and so did the way back to the state before it: fix the \
                 reason above, run `aws cloudformation continue-update-rollback --stack-name {stack}`, and then \
                 this again"
            )),
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" => Self::Stuck(format!(
                "the stack {stack} could not be created ({status}): fix the reason above, delete the stack with \
                 `aws cloudformation delete-stack --stack-name {stack}`, and run this again. Tables that the \
                 attempt created are empty and stay; docs/operations.md describes how to delete them"
            )),
            _ if status.ends_with("_IN_PROGRESS") => Self::Busy,
            _ => Self::Ready,
        }
    }
}

/// One change of a change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceChange {
    /// `Add`, `Modify`, `Remove`, …
    pub action: String,
    pub kind: String,
    pub id: String,
    /// Whether the resource is created again with another physical name.
    pub is_replaced: bool,
}

/// Refuses changes that lose data or the API's URL, which every game contains.
pub fn refuse_loss(changes: &[ResourceChange]) -> anyhow::Result<()> {
    let is_precious = |change: &ResourceChange| {
        let kind = change.kind.as_str();
        matches!(kind, "AWS::DynamoDB::Table" | "AWS::ApiGatewayV2::Api")
            || change.id == "EvidenceBucket"
    };
    let is_lost = |change: &&ResourceChange| change.is_replaced || change.action == "Remove";
    let mut lost = changes
        .iter()
        .filter(|change| is_precious(change))
        .filter(is_lost);
    match lost.next() {
        Some(change) => anyhow::bail!(
            "the update would {} {} ({}): nothing was changed. If you want that, use `aws cloudformation deploy`",
            if change.is_replaced {
                "replace"
            } else {
                "remove"
            },
            change.id,
            change.kind
        ),
        None => Ok(()),
    }
}

/// An event of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackEvent {
    pub id: String,
    pub physical: String,
    pub kind: String,
    pub status: String,
    pub reason: String,
}

pub const STACK: &str = "AWS::CloudFormation::Stack";

impl StackEvent {
    /// Whether it is the beginning of the stack's latest operation.
    pub fn is_start(&self, stack_id: &str) -> bool {
        let begins = [
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
        ];
        self.physical == stack_id && begins.contains(&self.status.as_str())
    }

    /// Whether it is a failure in itself, and not the consequence of another.
    pub fn is_cause(&self, stack_id: &str) -> bool {
        self.status.ends_with("_FAILED")
            && self.physical != stack_id
            && !self.reason.contains("cancelled")
    }

    /// The failure in one line, with a remedy if one is known.
    pub fn explained(&self) -> String {
        let known = [
            (
                "UnreservedConcurrentExecution",
                "the account has too little concurrency for the reservation: set IsBannedConcurrency to 0, or \
                 ask AWS for a higher quota",
            ),
            (
                "already exists",
                "another stack or an earlier attempt has left a resource with this name: delete it",
            ),
            (
                "not authorized",
                "grant your credentials what `portcullis iam-policy --deployer` prints",
            ),
            (
                "AccessDenied",
                "grant your credentials what `portcullis iam-policy --deployer` prints",
            ),
            (
                "Only one online index",
                "another change of the table's indexes is running: run this again later",
            ),
        ];
        let remedy = known.iter().find(|(sign, _)| self.reason.contains(sign));
        let remedy = remedy
            .map(|(_, what)| format!(" ({what})"))
            .unwrap_or_default();
        let reason = if self.reason.is_empty() {
            "no reason given"
        } else {
            &self.reason
        };
        format!("{} ({}): {reason}{remedy}", self.id, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_condition() {
        let condition = |status| StackCondition::of(status, "bans");
        assert_eq!(condition("REVIEW_IN_PROGRESS"), StackCondition::Absent);
        for status in [
            "CREATE_COMPLETE",
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
            "IMPORT_COMPLETE",
        ] {
            assert_eq!(condition(status), StackCondition::Ready, "{status}");
        }
        for status in [
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "ROLLBACK_IN_PROGRESS",
        ] {
            assert_eq!(condition(status), StackCondition::Busy, "{status}");
        }
        for (status, command) in [
            ("ROLLBACK_COMPLETE", "delete-stack --stack-name bans"),
            ("CREATE_FAILED", "delete-stack --stack-name bans"),
            (
                "UPDATE_ROLLBACK_FAILED",
                "continue-update-rollback --stack-name bans",
            ),
            (
                "DELETE_IN_PROGRESS",
                "stack-delete-complete --stack-name bans",
            ),
        ] {
            let StackCondition::Stuck(what) = condition(status) else {
                panic!("{status}");
            };
            assert!(what.contains(command), "{status}: {what}");
        }
    }

    #[test]
    fn change_that_loses_data_or_the_url_is_refused() {
        let change = |action: &str, kind: &str, id: &str, is_replaced| ResourceChange {
            action: action.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            is_replaced,
        };
        for (change, is_refused) in [
            (
                change("Modify", "AWS::DynamoDB::Table", "BansTable", false),
                false,
            ),
            (
                change("Modify", "AWS::DynamoDB::Table", "BansTable", true),
                true,
            ),
            (
                change("Remove", "AWS::DynamoDB::Table", "BansTable", false),
                true,
            ),
            (
                change("Modify", "AWS::ApiGatewayV2::Api", "Api", true),
                true,
            ),
            (
                change("Modify", "AWS::S3::Bucket", "EvidenceBucket", true),
                true,
            ),
            (
                change(
                    "Remove",
                    "AWS::Lambda::Function",
                    "EnforceBansFunction",
                    false,
                ),
                false,
            ),
            (
                change("Modify", "AWS::IAM::Role", "IsBannedFunctionRole", true),
                false,
            ),
        ] {
            assert_eq!(
                refuse_loss(std::slice::from_ref(&change)).is_err(),
                is_refused,
                "{change:?}"
            );
        }
    }

    #[test]
    fn cause_of_a_failure_is_not_its_consequence() {
        let event = |physical: &str, status: &str, reason: &str| StackEvent {
            id: "IsBannedFunction".to_owned(),
            physical: physical.to_owned(),
            kind: "AWS::Lambda::Function".to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
        };
        assert!(event("f", "UPDATE_FAILED", "no").is_cause("stack"));
        assert!(!event("f", "UPDATE_FAILED", "Resource update cancelled").is_cause("stack"));
        assert!(!event("stack", "UPDATE_FAILED", "failed to update: [X]").is_cause("stack"));
        assert!(event("stack", "UPDATE_IN_PROGRESS", "User Initiated").is_start("stack"));
        assert!(!event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", "").is_start("stack"));
        let reason =
            "decreases account's UnreservedConcurrentExecution below its minimum value of [100]";
        let said = event("f", "CREATE_FAILED", reason).explained();
        assert!(said.contains("set IsBannedConcurrency to 0"), "{said}");
    }
}
