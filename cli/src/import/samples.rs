//! Tests of sample files, and of the samples in the documentation.

use std::io::Cursor;
use std::path::Path;

use super::{
    ColumnOptions, DetectedFormat, EntryContent, FileEntry, FileError, ImportDefaults,
    ImportFormat, ImportedBan, ReadOptions,
};

const NOW_2099: u64 = 4_070_908_800;

fn read(
    bytes: &[u8],
    given: Option<ImportFormat>,
) -> Result<(ImportFormat, Vec<FileEntry>), FileError> {
    let detected = DetectedFormat::find(given, || Ok(Cursor::new(bytes.to_vec())))?;
    let format = detected.format;
    let reading = ReadOptions {
        detected,
        defaults: ImportDefaults::sample(),
        columns: ColumnOptions::default(),
        raw: false,
    };
    let rows = reading.rows(Cursor::new(bytes.to_vec()))?;
    Ok((format, rows.collect::<Result<_, _>>()?))
}

fn case(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    std::fs::read(folder.join(name)).unwrap()
}

fn entries(name: &str) -> Vec<FileEntry> {
    read(&case(name), None)
        .unwrap_or_else(|broken| panic!("{name}: {broken:?}"))
        .1
}

fn bans(entries: &[FileEntry]) -> Vec<&ImportedBan> {
    let bans = entries.iter().filter_map(|entry| match &entry.outcome {
        EntryContent::Ban(row) => Some(&**row),
        _ => None,
    });
    bans.collect()
}

/// The user, public reason and end of each ban.
fn shown(entries: &[FileEntry]) -> Vec<(u64, &str, u64)> {
    let shown = bans(entries).into_iter().map(|row| {
        let expires = row.terms.expires.seconds();
        (row.user.get(), row.terms.public_reason.as_str(), expires)
    });
    shown.collect()
}

/// The lines of invalid entries, and the reasons.
fn wrong(entries: &[FileEntry]) -> Vec<(u64, &str)> {
    let wrong = entries.iter().filter_map(|entry| match &entry.outcome {
        EntryContent::Invalid(what) => Some((entry.at.line, what.as_str())),
        _ => None,
    });
    wrong.collect()
}

#[track_caller]
fn assert_refused(bytes: &[u8], line: u64, says: &str) {
    let broken = read(bytes, None).expect_err("it must be refused");
    assert!(broken.message.contains(says), "{broken:?}");
    assert_eq!(broken.line, line, "{broken:?}");
}

#[test]
fn adonis_groups_and_items_ban_no_users() {
    let found = entries("f01-adonis-groups.json");
    assert_eq!(shown(&found), [(5_001_001, "Banned earlier", 0)]);
    assert_eq!(wrong(&found).len(), 2);
    assert!(
        wrong(&found)
            .iter()
            .all(|(_, what)| what.contains("and not a user"))
    );
}

#[test]
fn file_with_an_unclosed_quote_is_refused() {
    assert_refused(&case("f02-open-quote.csv"), 2, "a quote opens a cell here");
}

#[test]
fn titles_may_have_any_spelling() {
    let found = entries("f03-other-titles.csv");
    assert_eq!(shown(&found), [(4001, "cheating", NOW_2099)]);

    let found = entries("f03-roblox-ban-export.csv");
    assert_eq!(
        shown(&found),
        [
            (5_100_001, "Cheating", 0),
            (5_100_002, "Be kind", 1_795_827_723 + 86_400)
        ]
    );
    assert_eq!(bans(&found)[0].terms.private_reason, "exploiting");
    assert_eq!(found[0].unread, ["Moderator (names)"]);
}

#[test]
fn adonis_list_may_begin_with_a_name() {
    let found = entries("f05-adonis-name-first.json");
    let users: Vec<_> = bans(&found).iter().map(|row| row.user.get()).collect();
    assert_eq!(users, [5_001_001, 5_001_002]);
    assert!(wrong(&found)[0].1.contains("a name without an id"));
    assert_eq!(found[0].at.to_string(), "line 1, entry 1");
}

#[test]
fn maps_from_user_id_are_imported_or_refused_with_a_reason() {
    let found = entries("f06-by-id-objects.json");
    assert_eq!(shown(&found), [(5_400_002, "spam", 4_102_444_800)]);
    let found = entries("f06-mixed.json");
    assert_eq!(
        shown(&found),
        [
            (5_400_002, "spam", 4_102_444_800),
            (5_400_003, "spam", 4_102_444_800)
        ]
    );
    assert!(wrong(&found)[0].1.contains("the entry is empty"));
}

#[test]
fn lengths_are_not_ends() {
    let found = entries("f08-lengths-as-expires.csv");
    assert_eq!(wrong(&found).len(), 5);
    assert!(bans(&found).is_empty());
}

#[test]
fn lines_are_counted_as_in_editors() {
    let lines = |name: &str| {
        let found = entries(name);
        wrong(&found)
            .iter()
            .map(|(line, _)| *line)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines("f09-crlf.csv"), [3, 5]);
    assert_eq!(lines("f09-blank-lines.csv"), [5]);
}

#[test]
fn hebrew_reason_is_kept_byte_for_byte() {
    let found = entries("f11-hebrew-rlm.csv");
    let text = String::from_utf8(case("f11-hebrew-rlm.csv")).unwrap();
    let reason = text.lines().nth(1).unwrap().split_once(',').unwrap().1;
    assert_eq!(shown(&found), [(1006, reason, 0)]);
}

#[test]
fn tables_may_have_any_separator() {
    for (name, expected) in [
        ("g01-semicolon.csv", (2401, "speed", 0)),
        ("g01-sep.csv", (2601, "speed", 0)),
        ("g01-tab.tsv", (2501, "speed", 0)),
    ] {
        assert_eq!(shown(&entries(name)), [expected], "{name}");
    }
    let found = entries("g01-blank-after-comma.csv");
    let expected = [
        (5_200_001, "Speed, and fly", 4_102_444_800),
        (5_200_002, "Speed", 0),
    ];
    assert_eq!(shown(&found), expected);
    assert!(
        bans(&found)
            .iter()
            .all(|row| row.terms.moderator.get() == 7)
    );
}

#[test]
fn lists_of_ids_may_have_any_form() {
    for name in [
        "g02-ids.txt",
        "g02-ids.lua",
        "g02-links.txt",
        "g02-lines.ndjson",
        "g02-id-to-reason.json",
    ] {
        let found = entries(name);
        let users: Vec<_> = bans(&found).iter().map(|row| row.user.get()).collect();
        assert_eq!(users, [5_600_001, 5_600_002], "{name}");
        assert!(wrong(&found).is_empty(), "{name}");
    }
    assert_eq!(
        shown(&entries("g02-id-to-reason.json"))[0],
        (5_600_001, "spam", 0)
    );
    assert_eq!(
        shown(&entries("g02-objects.json")),
        [(5_600_001, "spam", 0)]
    );
    let found = entries("g02-open-cloud.json");
    assert_eq!(shown(&found), [(5_600_001, "d", 1_795_169_472 + 86_400)]);
    assert_eq!(bans(&found)[0].terms.private_reason, "p");
}

#[test]
fn file_with_rounded_numbers_is_refused() {
    let bytes = case("g03-saved-by-excel.csv");
    assert_refused(&bytes, 2, "Excel has rounded it");
    // Without rounded numbers, the flags of spreadsheets are accepted.
    let text = String::from_utf8(bytes).unwrap();
    let text = text.replace("9.14431E+17", "=\"914431225856000001\"");
    let text = text.replace("7.55214E+13", "75521396999004");
    let found = read(text.as_bytes(), None).unwrap().1;
    assert_eq!(shown(&found), [(5_300_000_012, "speed", 0)]);
    assert_eq!(
        bans(&found)[0].guid.unwrap().to_string(),
        "914431225856000001"
    );
}

#[test]
fn truncated_table_is_refused() {
    for text in ["userId,reason\n1,a\n2", "userId,reason,expires\n1,a,\n2,b"] {
        let lines = u64::try_from(text.lines().count()).unwrap();
        assert_refused(text.as_bytes(), lines, "cut off");
    }
    let export = "guid,robloxId\n914431225856000001,1\n914431225856000002,2";
    assert_refused(export.as_bytes(), 3, "cut off");
    assert_eq!(read(b"userId\n1\n2", None).unwrap().1.len(), 2);
}

#[test]
fn unsupported_encodings_and_forms_are_reported() {
    let wide: Vec<u8> = "\u{feff}userId\n1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_refused(&wide, 1, "UTF-16");
    assert_refused(b"userId,reason\n1,M\xfcller\n", 2, "Windows-1252");
    assert_refused(b"userId,userId\n1,2\n", 1, "mean the same");
    assert_refused(b"userId,BanTime\n1,2\n", 1, "seems to say when a ban ends");
    assert_refused(
        b"id,reason\n1,a\n",
        1,
        "there is no column \"userId\" (found: id, reason)",
    );
    assert_refused(b"5600001,spam\n", 1, "must contain the column titles");
    assert_refused(b"{\"list\": 17}", 1, "list is neither a list nor an object");
    assert_refused(
        b"{\"Records\": 17, \"DataKey\": 1}",
        1,
        "Records is neither a list nor an object",
    );
    let records = b"{\"Records\": {\"1\": {\"UserId\": 7, \"BanTime\": \"Infinite\"}}}";
    assert_eq!(
        shown(&read(records, None).unwrap().1),
        [(7, "Banned earlier", 0)]
    );
}

#[test]
fn unusual_ids_are_read_exactly_or_refused() {
    let text = "[5.6e6, 5600001.0, 5600001.5, 1e400, -1, 9007199254740992, \"5600002\", null]";
    let found = read(text.as_bytes(), Some(ImportFormat::Ids)).unwrap().1;
    let users: Vec<_> = bans(&found).iter().map(|row| row.user.get()).collect();
    assert_eq!(users, [5_600_000, 5_600_001, 5_600_002]);
    assert_eq!(wrong(&found).len(), 5);
    for text in [
        "userId\n5.6E+09\n",
        "userId\n007\n",
        "userId\n 7 8\n",
        "userId\n7\u{0661}\n",
    ] {
        assert!(
            bans(&read(text.as_bytes(), None).unwrap().1).is_empty(),
            "{text}"
        );
    }
}

/// The code blocks of the documentation, with the format of their section.
fn documented() -> Vec<(ImportFormat, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/importing.md");
    let text = std::fs::read_to_string(path).unwrap();
    let formats = text.split("\n## Formats\n").nth(1).unwrap();
    let formats = formats.split("\n## ").next().unwrap();
    let mut found = Vec::new();
    for section in formats.split("\n### `").skip(1) {
        let (name, section) = section.split_once('`').unwrap();
        let format = <ImportFormat as clap::ValueEnum>::from_str(name, false).unwrap();
        for block in section.split("\n```").skip(1).step_by(2) {
            let (_, sample) = block.split_once('\n').unwrap();
            found.push((format, format!("{sample}\n")));
        }
    }
    found
}

#[test]
fn documented_samples_are_detected_and_imported() {
    let samples = documented();
    for format in <ImportFormat as clap::ValueEnum>::value_variants() {
        let is_in_text = *format == ImportFormat::Csv;
        let has_sample = samples.iter().any(|(own, _)| own == format);
        assert!(has_sample || is_in_text, "{format:?} has no sample");
    }
    for (format, sample) in samples {
        let (found, entries) = read(sample.as_bytes(), None).unwrap();
        assert_eq!(found, format, "{sample}");
        assert!(!bans(&entries).is_empty(), "{sample}");
        assert!(
            wrong(&entries).is_empty(),
            "{sample}: {:?}",
            wrong(&entries)
        );
    }
}

#[test]
fn errors_files_can_be_imported() {
    let text = "{\"format\":\"by-id\",\"list\":[\n\
        {\"line\":1,\"entry\":3,\"message\":\"m\",\"key\":\"5400004\",\"row\":{\"Reason\":\"spam\"}}\n]}\n";
    let (format, found) = read(text.as_bytes(), None).unwrap();
    assert_eq!(format, ImportFormat::ById);
    assert_eq!(shown(&found), [(5_400_004, "spam", 0)]);
    let text = "userId,reason,import line,import message\n1,\"'=1+1\",2,\"'=why\"\n";
    let found = read(text.as_bytes(), None).unwrap().1;
    assert_eq!(shown(&found), [(1, "=1+1", 0)]);
    assert!(found[0].unread.is_empty());
}
