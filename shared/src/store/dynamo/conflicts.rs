//! Optimistic writes: read, decide, write on the condition that nothing has changed, and start over if
//! another writer was faster.

use crate::store::dynamo::database::{Database, DatabaseError};

/// The rounds of an optimistic write.
#[derive(Debug)]
pub(in crate::store) struct Rounds {
    ended: u32,
    most: u32,
}

impl Rounds {
    pub(in crate::store) const fn at_most(most: u32) -> Self {
        Self { ended: 0, most }
    }

    /// Ends a round that left something to do, and returns how many ended before it. After the last
    /// round it returns the error.
    pub(in crate::store) fn another(&mut self, error: DatabaseError) -> Result<u32, DatabaseError> {
        let ended = self.ended;
        self.ended = ended.saturating_add(1);
        if self.ended < self.most {
            Ok(ended)
        } else {
            Err(error)
        }
    }
}

impl Database {
    /// Ends a round with its write: `None` if that was a conflict and another round follows.
    pub(in crate::store) async fn retry_on_conflict<T>(
        &self,
        rounds: &mut Rounds,
        written: Result<T, DatabaseError>,
    ) -> Result<Option<T>, DatabaseError> {
        match written {
            Ok(done) => Ok(Some(done)),
            Err(error @ DatabaseError::Conflict) => {
                self.retry_after_pause(rounds, error).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a round that failed. Pauses if another follows, and returns the error otherwise.
    pub(in crate::store) async fn retry_after_pause(
        &self,
        rounds: &mut Rounds,
        error: DatabaseError,
    ) -> Result<(), DatabaseError> {
        let round = rounds.another(error)?;
        self.pause(round).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;
    use crate::store::dynamo::database::Tables;

    fn database() -> Database {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let tables = Tables {
            bans: "bans".to_owned(),
            workspaces: "workspaces".to_owned(),
        };
        Database::new(&config.build(), tables)
    }

    fn busy() -> DatabaseError {
        DatabaseError::Unavailable("busy".to_owned())
    }

    fn text<T>(result: Result<T, DatabaseError>) -> Result<T, String> {
        result.map_err(|error| error.to_string())
    }

    #[test]
    fn as_many_rounds_are_made_as_allowed() {
        let mut rounds = Rounds::at_most(3);
        let ends: Vec<_> = (0..4).map(|_| text(rounds.another(busy()))).collect();
        let over = || Err("busy".to_owned());
        assert_eq!(ends, [Ok(0), Ok(1), over(), over()]);
    }

    #[tokio::test]
    async fn only_a_conflict_is_retried_and_only_while_there_are_rounds() {
        let (database, mut rounds) = (database(), Rounds::at_most(2));
        let mut end = async |written: Result<&'static str, DatabaseError>| {
            text(database.retry_on_conflict(&mut rounds, written).await)
        };
        assert_eq!(end(Ok("written")).await, Ok(Some("written")));
        assert_eq!(end(Err(busy())).await, Err("busy".to_owned()));
        assert_eq!(end(Err(DatabaseError::Conflict)).await, Ok(None));
        let last = end(Err(DatabaseError::Conflict)).await;
        assert_eq!(last, Err("conflict".to_owned()));
    }
}
