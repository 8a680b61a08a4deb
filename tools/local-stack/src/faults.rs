//! Rules that decide which requests a fault hits; the fakes of DynamoDB and Roblox share them.

/// A fault and the requests it hits.
#[derive(Debug, Clone)]
pub struct Rule<F> {
    pub fault: F,
    /// What a request must match, such as an operation or a part of a path.
    on: Vec<String>,
    /// Requests to let through first.
    after: usize,
    /// How many requests to hit; `None` for all.
    times: Option<usize>,
}

impl<F> From<F> for Rule<F> {
    /// Hits every request.
    fn from(fault: F) -> Self {
        Self {
            fault,
            on: Vec::new(),
            after: 0,
            times: None,
        }
    }
}

impl<F> Rule<F> {
    /// Hits only requests that match this too.
    #[must_use]
    pub fn on(mut self, what: impl Into<String>) -> Self {
        self.on.push(what.into());
        self
    }

    /// Lets the first matching requests through.
    #[must_use]
    pub const fn after(mut self, requests: usize) -> Self {
        self.after = requests;
        self
    }

    /// Hits at most this many requests.
    #[must_use]
    pub const fn times(mut self, requests: usize) -> Self {
        self.times = Some(requests);
        self
    }
}

/// The rules in force, oldest first.
#[derive(Debug)]
pub(crate) struct Rules<F>(Vec<Rule<F>>);

impl<F> Default for Rules<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Clone> Rules<F> {
    pub(crate) fn push(&mut self, rule: Rule<F>) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for one request: that of the oldest rule that matches, which is used up by one.
    pub(crate) fn strike(&mut self, matches: impl Fn(&str) -> bool) -> Option<F> {
        let fits = |rule: &Rule<F>| rule.on.iter().all(|what| matches(what));
        let at = self.0.iter().position(fits)?;
        let rule = self.0.get_mut(at)?;
        if rule.after > 0 {
            rule.after -= 1;
            return None;
        }
        let fault = rule.fault.clone();
        if let Some(left) = &mut rule.times {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(at);
            }
        }
        Some(fault)
    }
}
