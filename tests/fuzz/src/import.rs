//! Import files, as the command line reads them.

use std::io::Cursor;

use cli::import::{
    ColumnOptions, DetectedFormat, EntryContent, FileError, ImportDefaults, ImportFormat,
    ImportedBan, ReadOptions,
};
use shared::api::export::{self, Csv, Json};
use shared::domain::actor::{Channel, DecidedBy};
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{Guid, MAX_ROBLOX_ID, Uid, WorkspaceId};
use shared::domain::rules::{Ban, Ending, EndingKind, Terms};
use shared::store::BanRecord;

use crate::body::assert_text;
use crate::length::LONGEST;

const FORMATS: [ImportFormat; 10] = [
    ImportFormat::Json,
    ImportFormat::Csv,
    ImportFormat::UsersCsv,
    ImportFormat::UsersJson,
    ImportFormat::Ids,
    ImportFormat::ById,
    ImportFormat::Roblox,
    ImportFormat::Adonis,
    ImportFormat::KohlsAdmin,
    ImportFormat::HdAdmin,
];

/// Reads bytes as a file of every format.
pub fn import(bytes: &[u8]) {
    match DetectedFormat::find(None, || Ok(bytes)) {
        Ok(detected) => drop(rows_of(bytes, detected, false)),
        Err(broken) => assert_says_where(bytes, &broken),
    }
    let now = UnixMillis::now();
    for format in FORMATS {
        for raw in [false, true] {
            if raw && format != ImportFormat::Csv {
                continue;
            }
            for row in rows(bytes, format, raw) {
                assert_within_bounds(&row, now);
                assert_comes_out_as_it_went_in(&row, now);
            }
        }
    }
}

/// The readable rows; the others report their line and the reason.
fn rows(bytes: &[u8], format: ImportFormat, raw: bool) -> Vec<ImportedBan> {
    match DetectedFormat::find(Some(format), || Ok(bytes)) {
        Ok(detected) => rows_of(bytes, detected, raw),
        Err(broken) => {
            assert_says_where(bytes, &broken);
            Vec::new()
        }
    }
}

fn rows_of(bytes: &[u8], detected: DetectedFormat, raw: bool) -> Vec<ImportedBan> {
    let format = detected.format;
    let reading = ReadOptions {
        detected,
        defaults: ImportDefaults {
            experience: shared::domain::ids::ExperienceId::new(75_521_396_999_004),
            roots: std::collections::BTreeMap::new(),
            scope: None,
            moderator: "744482898".parse().ok(),
            private_reason: None,
            public_reason: Some("Banned earlier".to_owned()),
        },
        columns: ColumnOptions::default(),
        raw,
    };
    let read = match reading.rows(Cursor::new(bytes.to_vec())) {
        Ok(rows) => rows,
        Err(broken) => {
            assert_says_where(bytes, &broken);
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    let mut is_over = false;
    // No row takes less than a byte.
    for (count, entry) in read.enumerate() {
        assert!(!is_over, "{format:?} continues after its end");
        assert!(count <= bytes.len(), "{format:?} does not end");
        match entry {
            Ok(entry) => {
                assert_line(bytes, entry.at.line);
                match entry.outcome {
                    EntryContent::Ban(row) => found.push(*row),
                    EntryContent::NotABan(message) | EntryContent::Invalid(message) => {
                        assert!(!message.is_empty());
                    }
                }
            }
            Err(broken) => {
                assert_says_where(bytes, &broken);
                is_over = true;
            }
        }
    }
    found
}

fn assert_says_where(bytes: &[u8], broken: &FileError) {
    assert!(!broken.message.is_empty());
    assert_line(bytes, broken.line);
}

fn assert_line(bytes: &[u8], line: u64) {
    let breaks = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
    let lines = u64::try_from(breaks.count()).expect("a length") + 1;
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
}

fn assert_within_bounds(row: &ImportedBan, now: UnixMillis) {
    for id in [
        row.user.get(),
        row.experience.get(),
        row.terms.moderator.get(),
    ] {
        assert!((1..=MAX_ROBLOX_ID).contains(&id));
    }
    assert_text(&row.terms.private_reason, Terms::LONGEST_PRIVATE_REASON);
    assert_text(&row.terms.public_reason, Terms::LONGEST_PUBLIC_REASON);
    let horizon = now.seconds().plus(LONGEST + 60);
    assert!(row.terms.expires.seconds() <= horizon.0);
    for time in [row.created, row.updated].into_iter().flatten() {
        assert!(time <= horizon);
    }
    if let Some(guid) = row.guid {
        assert!(guid.created() <= now.seconds().plus(86_400 + 60));
    }
    if let Some(uid) = row.uid {
        assert!(uid.0 <= MAX_ROBLOX_ID);
    }
}

/// A row that is exported and read again is the same.
fn assert_comes_out_as_it_went_in(row: &ImportedBan, now: UnixMillis) {
    let workspace = row.workspace.unwrap_or_else(WorkspaceId::random);
    let recorded = BanRecord {
        ban: ban_of(row, now),
        applied: row.applied,
        made_by: None,
        last_by: Some(DecidedBy::new("operator", Some(Channel::Cli))),
        last_reason: None,
    };
    for flags in [FlagFormat::Integer, FlagFormat::Boolean] {
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        let presenter = BanPresenter::of_workspace(workspace, flags, now.seconds());
        let files = [
            (
                ImportFormat::Json,
                false,
                file(Json::default(), &presenter, &recorded),
            ),
            (
                ImportFormat::Csv,
                false,
                file(Csv::new(false), &presenter, &recorded),
            ),
            (
                ImportFormat::Csv,
                true,
                file(Csv::new(true), &presenter, &recorded),
            ),
            (
                ImportFormat::Csv,
                false,
                file(Csv::new(false).for_excel(true), &presenter, &recorded),
            ),
        ];
        for (format, raw, file) in files {
            let detected = DetectedFormat::find(None, || Ok(file.as_slice()));
            assert_eq!(detected.map(|detected| detected.format), Ok(format));
            let again = rows(&file, format, raw);
            let shown = String::from_utf8_lossy(&file);
            let [again] = again.as_slice() else {
                panic!("{} rows come out of {shown}", again.len());
            };
            let ban = &recorded.ban;
            let expected = ImportedBan {
                guid: Some(ban.guid),
                uid: Some(ban.uid),
                workspace: Some(workspace),
                created: Some(ban.created),
                updated: Some(ban.updated),
                active: ban.holds(now.seconds()),
                ..row.clone()
            };
            assert_eq!(*again, expected, "{shown}");
        }
    }
}

fn file(mut format: impl export::Format, presenter: &BanPresenter, row: &BanRecord) -> Vec<u8> {
    let mut out = Vec::new();
    format.begin(&mut out).expect("a header");
    format.row(&mut out, presenter, row).expect("a row");
    format.end(&mut out);
    out
}

/// The ban of a row, with defaults for what it omits.
fn ban_of(row: &ImportedBan, now: UnixMillis) -> Ban {
    let uid = row.uid.unwrap_or(Uid(7));
    let guid = row.guid.unwrap_or_else(|| Guid::mint(now, uid));
    let created = row.created.unwrap_or_else(|| guid.created());
    let updated = row.updated.unwrap_or(created);
    let kind = match (row.appealed, row.lifted(now.seconds())) {
        (true, _) => Some(EndingKind::Appealed),
        (false, true) => Some(EndingKind::Lifted),
        (false, false) => None,
    };
    Ban {
        guid,
        uid,
        user: row.user,
        scope: row.scope,
        made_in: row.experience,
        terms: row.terms.clone(),
        revision: 1,
        decisions: 1,
        created,
        updated,
        ending: kind.map(|kind| Ending { at: updated, kind }),
    }
}
