//! The names of secrets that the role of the mirror's function may read.

use crate::connection::Stack;

/// Why the function cannot read a secret with this name or ARN; `None` if it can.
pub fn unreadable(secret: &str, stack: Option<&Stack>) -> Option<String> {
    let stack = stack.map_or("STACK", Stack::name);
    let wrong = format!(
        "the mirror can only read secrets with names that begin with portcullis/{stack}/ (STACK is the \
         name of the stack)"
    );
    // arn:aws:secretsmanager:<region>:<account>:secret:<name>-<six letters>
    let name = secret.split(":secret:").last().unwrap_or(secret);
    let mut parts = name.splitn(3, '/');
    let (first, second, rest) = (parts.next(), parts.next(), parts.next());
    let is_right = first == Some("portcullis")
        && second.is_some_and(|second| second == stack || (stack == "STACK" && !second.is_empty()))
        && rest.is_some_and(|rest| !rest.is_empty());
    (!is_right).then_some(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_name_must_begin_with_the_stack_name() {
        let stack = Stack::named("bans-prod");
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:";
        for (secret, of_stack, of_any) in [
            ("portcullis/bans-prod/roblox", true, true),
            ("portcullis/bans-prod/roblox/2", true, true),
            ("portcullis/bans-test/roblox", false, true),
            ("portcullis/roblox", false, false),
            ("portcullis/bans-prod/", false, false),
            ("portcullis//roblox", false, false),
            ("other/bans-prod/roblox", false, false),
        ] {
            for name in [secret.to_owned(), format!("{arn}{secret}")] {
                assert_eq!(
                    unreadable(&name, Some(&stack)).is_none(),
                    of_stack,
                    "{name}"
                );
                assert_eq!(unreadable(&name, None).is_none(), of_any, "{name}");
            }
        }
    }
}
