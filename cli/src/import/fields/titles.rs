//! The meaning of columns and fields by their titles, which are compared without case and punctuation, and
//! with common synonyms.

/// The meaning of a column or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRole {
    /// The banned user.
    User,
    /// The reason shown to the player.
    Public,
    /// The reason shown to moderators.
    Private,
    /// A reason: shown to moderators only if there is a public reason too, otherwise to both.
    Reason,
    Moderator,
    End,
    /// How long the ban lasts, with the unit of a bare number in seconds.
    Length(Option<u64>),
    /// When the ban was made.
    Created,
    /// Whether it is in force.
    Active,
    /// Whether it is Global.
    Global,
    /// The place that the ban was made from.
    Experience,
    /// A column that `portcullis import` adds to failed rows.
    Ours,
}

/// The titles of the two columns that an errors file adds.
pub const OURS: [&str; 2] = ["import line", "import message"];

/// The meaning of a title, if it is known.
pub fn role(title: &str) -> Option<ColumnRole> {
    let role =
        match normal(title).as_str() {
            "userid" | "robloxid" | "robloxuserid" | "rbxid" | "rbxuserid" | "playerid"
            | "playeruserid" | "targetid" | "targetuserid" | "banneduserid" | "bannedid"
            | "bannedplayerid" | "accountid" | "offenderid" | "profile" | "profilelink"
            | "profileurl" | "robloxprofile" | "userlink" | "userurl" => ColumnRole::User,
            "publicreason" | "displayreason" | "displayedreason" | "displaymessage"
            | "playerreason" | "userreason" | "shownreason" | "banpublicreason" | "kickmessage" => {
                ColumnRole::Public
            }
            "privatereason" | "internalreason" | "moderatorreason" | "modreason"
            | "staffreason" | "banprivatereason" | "note" | "notes" | "modnote" | "modnotes"
            | "staffnote" | "staffnotes" | "internalnote" | "internalnotes" => ColumnRole::Private,
            "reason" | "banreason" | "reasonforban" | "bannedfor" | "message" => ColumnRole::Reason,
            "moderator" | "moderatorid" | "moderatoruserid" | "mod" | "modid" | "moduserid"
            | "bannedby" | "bannedbyid" | "bannedbyuserid" | "banmoderator" | "admin"
            | "adminid" | "adminuserid" | "staff" | "staffid" | "issuer" | "issuerid"
            | "issuedby" => ColumnRole::Moderator,
            "expires" | "expiresat" | "expireson" | "expire" | "expiry" | "expirydate"
            | "expirytime" | "expiration" | "expirationdate" | "expirationtime" | "expiretime"
            | "expiredate" | "expiryepoch" | "expirationepoch" | "expiresepoch" | "expiresunix"
            | "until" | "banneduntil" | "bannedtill" | "banuntil" | "till" | "dateuntil"
            | "untildate" | "validuntil" | "end" | "ends" | "endsat" | "endson" | "endtime"
            | "enddate" | "endepoch" | "banend" | "banends" | "banendsat" | "banendtime"
            | "banenddate" | "banexpires" | "banexpiresat" | "banexpiry" | "banexpiration"
            | "unban" | "unbanat" | "unbanon" | "unbandate" | "unbantime" | "unbanepoch"
            | "unbanunix" | "unbantimestamp" => ColumnRole::End,
            "duration" | "length" | "banlength" | "banduration" | "lengthofban"
            | "durationofban" => ColumnRole::Length(None),
            "durationseconds" | "durationsecs" | "durationinseconds" | "lengthseconds"
            | "seconds" | "secs" | "banseconds" => ColumnRole::Length(Some(1)),
            "durationminutes" | "durationmins" | "durationinminutes" | "lengthminutes"
            | "minutes" | "mins" | "banminutes" => ColumnRole::Length(Some(60)),
            "durationhours" | "durationinhours" | "lengthhours" | "hours" | "banhours" => {
                ColumnRole::Length(Some(3600))
            }
            "durationdays" | "durationindays" | "lengthdays" | "days" | "bandays" => {
                ColumnRole::Length(Some(86_400))
            }
            "durationweeks" | "durationinweeks" | "lengthweeks" | "weeks" | "banweeks" => {
                ColumnRole::Length(Some(604_800))
            }
            "created" | "createdat" | "createdon" | "creation" | "creationtime"
            | "creationdate" | "createtime" | "bannedat" | "bannedon" | "bandate" | "dateofban"
            | "datebanned" | "timebanned" | "date" | "datetime" | "timestamp" | "start"
            | "starttime" | "startdate" | "startsat" | "startedat" | "issued" | "issuedat"
            | "issuedon" => ColumnRole::Created,
            "active" | "isactive" | "isbanned" | "banned" | "inforce" => ColumnRole::Active,
            "isglobal" | "global" => ColumnRole::Global,
            "experienceid" | "placeid" => ColumnRole::Experience,
            "importline" | "importmessage" => ColumnRole::Ours,
            _ => return None,
        };
    Some(role)
}

/// Whether a title is about the end of a ban. Such a column must be read or explicitly ignored: without it
/// a short or lifted ban would become permanent.
pub fn looks_like_an_end(title: &str) -> bool {
    let within = [
        "expir",
        "until",
        "unban",
        "duration",
        "perman",
        "tempor",
        "tempban",
        "revoke",
        "pardon",
        "forgive",
        "appeal",
        "release",
        "remain",
        "timeleft",
        "timeout",
        "whitelist",
        "ablauf",
        "dauer",
        "hasta",
        "validade",
        "срок",
    ];
    // Only as a whole title, since these are parts of other words.
    let alone = ["to", "time", "fin", "ende"];
    let normal = normal(title);
    let is_end_word = |word: &String| {
        matches!(
            word.as_str(),
            "end"
                | "ends"
                | "ended"
                | "ending"
                | "endtime"
                | "enddate"
                | "till"
                | "length"
                | "term"
                | "days"
                | "hours"
                | "minutes"
                | "mins"
                | "seconds"
                | "secs"
                | "weeks"
                | "months"
                | "years"
                | "bantime"
                | "temp"
                | "perm"
                | "lift"
                | "lifted"
                | "active"
                | "inactive"
                | "status"
                | "state"
                | "removed"
                | "deleted"
                | "enabled"
                | "disabled"
                | "valid"
                | "left"
                | "free"
                | "epoch"
        )
    };
    within.iter().any(|part| normal.contains(part))
        || alone.contains(&normal.as_str())
        || is_end_word(&normal)
        || words(title).iter().any(is_end_word)
}

/// A title without case, spaces and punctuation.
pub fn normal(title: &str) -> String {
    let letters = title.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The words of `banEnds`, `ban_ends` or `Ban ends`.
fn words(title: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in title.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_recognised_in_any_case_and_spelling() {
        for (title, known) in [
            ("userId", ColumnRole::User),
            ("UserID", ColumnRole::User),
            ("user_id", ColumnRole::User),
            ("Roblox ID", ColumnRole::User),
            ("Banned UserId", ColumnRole::User),
            ("Reason", ColumnRole::Reason),
            ("DisplayReason", ColumnRole::Public),
            ("Private Reason", ColumnRole::Private),
            ("Moderator UserId", ColumnRole::Moderator),
            ("BannedBy", ColumnRole::Moderator),
            ("Expires", ColumnRole::End),
            ("EXPIRES_AT", ColumnRole::End),
            ("Unban Epoch", ColumnRole::End),
            ("DateUntil", ColumnRole::End),
            ("Duration", ColumnRole::Length(None)),
            ("Duration (days)", ColumnRole::Length(Some(86_400))),
            ("Creation", ColumnRole::Created),
            ("isActive", ColumnRole::Active),
        ] {
            assert_eq!(role(title), Some(known), "{title}");
        }
        // Row numbers and names are not user ids.
        for title in ["id", "#", "user", "username", "player", "name", "uid"] {
            assert_eq!(role(title), None, "{title}");
        }
    }

    #[test]
    fn titles_about_an_end_are_detected() {
        for title in [
            "BanTime",
            "bannedTillDate",
            "Ban ends (UTC)",
            "expiresIn",
            "tempBan",
            "Unbanned?",
            "Status",
            "lifted",
            "revokedAt",
            "Is permanent",
            "term",
            "time_until_unban",
            "time left",
            "remaining",
            "tempban",
            "timeout",
            "To",
            "time",
            "free on",
            "appeal",
            "forgiven",
            "deletedAt",
            "whitelisted",
            "Ablaufdatum",
            "hasta",
        ] {
            assert!(looks_like_an_end(title), "{title}");
        }
        for title in [
            "sender", "weekend", "name", "evidence", "Place", "bannedBy", "notes", "agenda",
        ] {
            assert!(!looks_like_an_end(title), "{title}");
        }
    }
}
