//! Bans by the million, and counting them when they come out.

use local_stack::seed;
use serde_json::{Value, json};

/// When the first of the bans was made, in the time of guids: with the year 2026.
const FIRST_MS: u64 = 1_767_225_600_000 - 1_577_836_800_000;

/// A ban like another, but with a number of its own.
pub fn alike(likeness: &Value, number: u64) -> Value {
    let demo = &seed::demos()[0].guid;
    let tag = &demo[28..];
    let user = 1_000 + number / 3;
    // About ten a second.
    let guid = ((FIRST_MS + number * 97) << 22) | (number & 0x3F_FFFF);
    let padded = format!("{guid:020}");
    let experience = likeness["ban"]["M"]["made_in"]["N"].as_str().unwrap();
    let text = |text: String| json!({ "S": text });
    let digits = |number: u64| json!({ "N": number.to_string() });
    let mut item = likeness.clone();
    item["pk"] = text(format!("{tag}#U#{user}"));
    item["sk"] = text(format!("B#{padded}"));
    item["guid_key"] = text(padded);
    item["ledger"] = text(format!("{tag}#{}", guid % 4));
    item["experience_ledger"] = text(format!("{tag}#{experience}#{}", guid % 4));
    let ban = &mut item["ban"]["M"];
    ban["guid"] = digits(guid);
    ban["uid"] = digits(number + 1);
    ban["user"] = digits(user);
    ban["private_reason"] = text(format!(
        "https://evidence.example.com/clips/{guid}.mp4, reported by \"{user}\""
    ));
    ban["public_reason"] = text("Cheating, with words, and a comma".to_owned());
    item
}

/// The guids of a JSON export, in order.
pub fn count_json(file: &str) -> Vec<u64> {
    let mut guids = Vec::new();
    for line in file.lines() {
        let line = line
            .trim_start_matches("{\"list\":[")
            .trim_end_matches("]}");
        let line = line.trim_start_matches(',').trim_end_matches(',');
        if let Ok(ban) = serde_json::from_str::<Value>(line) {
            guids.push(ban["guid"].as_str().expect("a guid").parse().unwrap());
        }
    }
    assert!(
        file.ends_with("]}") || file.ends_with("]}\n"),
        "the end is missing"
    );
    guids
}

/// The guids of a CSV export, in order.
pub fn count_csv(file: &str) -> Vec<u64> {
    let mut rows = csv::Reader::from_reader(file.as_bytes());
    let at = rows
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "guid")
        .expect("guid");
    rows.records()
        .map(|row| row.expect("a row")[at].parse().unwrap())
        .collect()
}
