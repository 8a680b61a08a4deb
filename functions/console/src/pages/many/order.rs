//! What is to be done about each of the players.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{Guid, ModeratorId, PlaceId, UserId};
use shared::domain::members::MemberPermission;
use shared::domain::rules::{BanRequest, Scope, UnbanRequest};

use crate::form::{Submitted, TypedField};
use crate::pages::ban_form::{TypedBan, WorkspaceOffer};
use crate::times;
use crate::visit::Visit;

/// The longest reason for lifting, in bytes.
const LONGEST_REASON: usize = 1_000;

/// Whether a run bans or lifts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManyAction {
    #[default]
    Ban,
    Lift,
}

/// What stands in the form.
#[derive(Clone, Debug)]
pub struct TypedMany {
    pub action: ManyAction,
    /// As pasted.
    pub users: TypedField,
    pub ban: TypedBan,
    /// Why bans are lifted.
    pub reason: TypedField,
}

/// The same decision about each player.
#[derive(Clone, Debug)]
pub enum Order {
    Ban(Box<BanRequest>),
    Lift {
        place: PlaceId,
        scope: Scope,
        reason: String,
        moderator: ModeratorId,
    },
}

/// A player, and the ban to lift: the one that was seen, and no later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTarget {
    pub user: UserId,
    pub ban: Option<Guid>,
}

impl ManyAction {
    pub fn named(name: &str) -> Self {
        match name {
            "lift" => Self::Lift,
            _ => Self::Ban,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Lift => "lift",
        }
    }
}

impl TypedMany {
    pub fn empty(action: ManyAction, offer: &WorkspaceOffer) -> Self {
        Self {
            action,
            users: TypedField::default(),
            ban: TypedBan::empty(offer),
            reason: TypedField::default(),
        }
    }

    pub fn of_form(form: &Submitted, offer: &WorkspaceOffer, may_ban_globally: bool) -> Self {
        let action = ManyAction::named(form.text("action"));
        // The number of players is typed, and not the name of the workspace.
        let mut ban = TypedBan::of_form(form, offer, "", false, may_ban_globally);
        let mut reason = TypedField::default();
        if action == ManyAction::Lift {
            (ban.public, ban.private) = (TypedField::default(), TypedField::default());
            ban.preset_error = None;
            let missing = "Say why. It stays in the history.";
            reason = form.required("reason", LONGEST_REASON, missing);
        }
        Self {
            action,
            users: TypedField::filled(form.raw("users")),
            ban,
            reason,
        }
    }

    /// The order, if nothing is wrong; else the errors stand beside the fields.
    pub fn order(&mut self, visit: &Visit) -> Option<Order> {
        let signed_in = &visit.signed_in;
        let moderator = signed_in.member.moderator_or(signed_in.linked);
        self.order_by(moderator, visit.now())
    }

    fn order_by(&mut self, moderator: ModeratorId, now: UnixSeconds) -> Option<Order> {
        if self.action == ManyAction::Ban {
            let length = self.ban.judge_length(None, now);
            let anybody = UserId::new(1)?;
            let request = self.ban.request(anybody, length, moderator, false)?;
            return Some(Order::Ban(Box::new(request)));
        }
        if !self.ban.is_fine() || !self.reason.is_fine() {
            return None;
        }
        Some(Order::Lift {
            place: self.ban.place?,
            scope: self.ban.scope,
            reason: self.reason.value().to_owned(),
            moderator,
        })
    }

    /// The fields of the form, to be sent again without being typed.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let ban = &self.ban;
        let place = ban.place.map(|place| place.to_string());
        let scope = match ban.scope {
            Scope::Experience => "experience",
            Scope::Global => "global",
        };
        vec![
            ("action", self.action.as_str().to_owned()),
            ("scope", scope.to_owned()),
            ("experience", place.unwrap_or_default()),
            ("length", ban.length.clone()),
            ("own", ban.own.clone()),
            ("preset", ban.preset.clone()),
            ("public_reason", ban.public.text.clone()),
            ("private_reason", ban.private.text.clone()),
            ("reason", self.reason.text.clone()),
            ("key", ban.key.clone()),
        ]
    }
}

impl Order {
    pub fn scope(&self) -> Scope {
        match self {
            Self::Ban(request) => request.scope,
            Self::Lift { scope, .. } => *scope,
        }
    }

    pub fn place(&self) -> PlaceId {
        match self {
            Self::Ban(request) => request.place,
            Self::Lift { place, .. } => *place,
        }
    }

    pub const fn action(&self) -> ManyAction {
        match self {
            Self::Ban(_) => ManyAction::Ban,
            Self::Lift { .. } => ManyAction::Lift,
        }
    }

    /// The ban of one player.
    pub fn ban_of(request: &BanRequest, user: UserId) -> BanRequest {
        BanRequest {
            user,
            ..request.clone()
        }
    }

    /// The lift of one player's ban.
    pub fn lift_of(&self, user: UserId) -> Option<UnbanRequest> {
        let Self::Lift {
            place,
            reason,
            moderator,
            ..
        } = self
        else {
            return None;
        };
        Some(UnbanRequest {
            user,
            place: *place,
            reason: Some(reason.clone()),
            moderator: Some(*moderator),
            applied: false,
            report_only: false,
            from_game: false,
        })
    }

    /// What happens to each of the players, as a sentence without its subject.
    pub fn words(&self, reach: &str, now: UnixSeconds) -> String {
        let place = match self.scope() {
            Scope::Global => format!("everywhere ({reach})"),
            Scope::Experience => format!("in experience {}", self.place()),
        };
        match self {
            Self::Ban(request) => {
                let until = times::until(request.length.from(now));
                format!("will be banned {place} {until}")
            }
            Self::Lift { .. } => {
                format!("will be free to join again {place}, unless another ban is in force")
            }
        }
    }
}

/// `156`, or `156-633197862920433664` with the ban to lift; separated by spaces.
pub fn encode(targets: &[RunTarget]) -> String {
    let texts = targets.iter().map(|target| match target.ban {
        Some(guid) => format!("{}-{guid}", target.user),
        None => target.user.to_string(),
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// Reads what [`encode`] wrote, each player once; anything else is left out.
pub fn decode(text: &str) -> Vec<RunTarget> {
    let mut seen = std::collections::HashSet::new();
    let read = |entry: &str| {
        let (user, ban) = match entry.split_once('-') {
            Some((user, guid)) => (user, Some(guid.parse().ok()?)),
            None => (entry, None),
        };
        Some(RunTarget {
            user: user.parse().ok()?,
            ban,
        })
    };
    let read = text.split(' ').filter_map(read);
    read.filter(|target| seen.insert(target.user)).collect()
}

/// Whether the member may ban and lift everywhere.
pub fn may_globally(visit: &Visit) -> bool {
    visit.may(MemberPermission::ManageGlobalBans)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::ban_view::tests::NOW;
    use crate::pages::ban_form::offer_for_tests;

    pub fn typed(pairs: &[(&str, &str)]) -> TypedMany {
        let pairs = pairs.iter();
        let owned = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let form = Submitted::new(owned.collect());
        TypedMany::of_form(&form, &offer_for_tests(), true)
    }

    fn order(typed: &mut TypedMany) -> Option<Order> {
        typed.order_by(ModeratorId::NOBODY, NOW)
    }

    pub const BAN: [(&str, &str); 5] = [
        ("action", "ban"),
        ("scope", "experience"),
        ("experience", "75521396999004"),
        ("length", "7d"),
        ("public_reason", "Raid"),
    ];

    #[test]
    fn form_becomes_an_order() {
        let ban = order(&mut typed(&BAN)).unwrap();
        assert_eq!(ban.action(), ManyAction::Ban);
        assert_eq!(
            ban.words("3 experiences", NOW),
            "will be banned in experience 75521396999004 until 22 Jan 2027, 08:00 UTC"
        );
        let lift = [
            ("action", "lift"),
            ("scope", "global"),
            ("reason", "Mistake"),
        ];
        let lift = order(&mut typed(&lift)).unwrap();
        assert_eq!(
            (lift.action(), lift.scope()),
            (ManyAction::Lift, Scope::Global)
        );
        let lift = lift.lift_of(UserId::new(156).unwrap()).unwrap();
        assert_eq!(lift.reason.as_deref(), Some("Mistake"));
    }

    #[test]
    fn fields_make_the_same_order_again() {
        let mut first = typed(&BAN);
        let fields = first.fields();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut second = typed(&fields);
        assert_eq!(first.ban.key, second.ban.key);
        let words = |typed: &mut TypedMany| order(typed).unwrap().words("", NOW);
        assert_eq!(words(&mut first), words(&mut second));
    }

    #[test]
    fn each_action_demands_its_reason() {
        let place = [
            ("scope", "experience"),
            ("experience", "75521396999004"),
            ("length", "1d"),
        ];
        let mut ban = typed(&place);
        assert!(order(&mut ban).is_none());
        assert!(ban.ban.public.error.is_some());
        let lift: Vec<_> = place.into_iter().chain([("action", "lift")]).collect();
        let mut lift = typed(&lift);
        assert!(order(&mut lift).is_none());
        assert!(lift.reason.error.is_some() && lift.ban.public.error.is_none());
    }

    #[test]
    fn targets_survive_their_text() {
        let target = |user, ban: Option<u64>| RunTarget {
            user: UserId::new(user).unwrap(),
            ban: ban.map(Guid::from),
        };
        let targets = [target(156, None), target(157, Some(633))];
        assert_eq!(decode(&encode(&targets)), targets);
        assert_eq!(decode("156 156 x 0 7-x 157-633"), targets);
    }
}
