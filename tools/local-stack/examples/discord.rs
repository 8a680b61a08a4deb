//! A person on the fake Discord of a running `make dev`: uses a command, presses a button of the last answer or
//! sends a form, and prints what that person would see.
//!
//! ```sh
//! cargo run --example discord -- ada check user=156
//! cargo run --example discord -- ada ban user=156 length=7d reason=Spam
//! cargo run --example discord -- ada press Undo
//! cargo run --example discord -- ada send user=156 reason=Spam
//! cargo run --example discord -- ada menu noor Ban in game
//! ```

use std::time::Duration;

use local_stack::{
    Error, Result,
    discord::{ADA, APPLICATION, GUILD, KIM, NOOR, caller, demo_guild},
    http::Client,
};
use serde_json::{Value, json};

/// Where the last answer is kept.
const LAST: &str = "target/discord-last.json";

const USAGE: &str = "usage: discord kim|ada|noor COMMAND [OPTION=VALUE]… | press LABEL | send [FIELD=VALUE]… | menu PERSON LABEL";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::Tool(USAGE.to_owned());
    let [person, what, rest @ ..] = arguments.as_slice() else {
        return Err(usage());
    };
    let user = user(person).ok_or_else(usage)?;
    let guild = demo_guild();
    let pairs: Vec<_> = rest.iter().filter_map(|it| it.split_once('=')).collect();
    let act = |act, data: &Value| caller::interaction((GUILD, &guild), user, act, data);
    let body = match what.as_str() {
        "press" => {
            let last = last()?;
            let label = rest.join(" ");
            let custom_id = button(&last, &label)
                .ok_or_else(|| Error::Tool(format!("the last answer has no button {label:?}")))?;
            let data = json!({ "component_type": 2, "custom_id": custom_id });
            let mut body = act(caller::Act::Press, &data);
            if let Some(body) = body.as_object_mut() {
                body.insert("message".to_owned(), last);
            }
            body
        }
        "send" => {
            let last = last()?;
            let form = caller::form_data(text(&last, "custom_id"), &pairs);
            act(caller::Act::Submit, &form)
        }
        "menu" => {
            let target = rest.first().and_then(|name| self::user(name));
            let label = rest.iter().skip(1).cloned().collect::<Vec<_>>().join(" ");
            let data = caller::user_menu_data(&label, target.ok_or_else(usage)?);
            act(caller::Act::Command, &data)
        }
        command => {
            let value = |name: &str, value: &str| match (name, value) {
                ("member", person) => {
                    let id = self::user(person).map(|id| id.to_string());
                    Value::from(id.unwrap_or_else(|| person.to_owned()))
                }
                (_, "true") => Value::Bool(true),
                (_, text) => Value::from(text),
            };
            let options = pairs.iter().map(|(name, text)| (*name, value(name, text)));
            let options: Vec<_> = options.collect();
            act(
                caller::Act::Command,
                &caller::command_data(command, &options),
            )
        }
    };
    let shown = answer(&body).await?;
    std::fs::write(LAST, shown.to_string()).map_err(Error::file(LAST))?;
    print(&shown);
    Ok(())
}

/// A person's id, by their name.
fn user(name: &str) -> Option<u64> {
    match name {
        "kim" => Some(KIM),
        "ada" => Some(ADA),
        "noor" => Some(NOOR),
        _ => None,
    }
}

fn last() -> Result<Value> {
    let text = std::fs::read_to_string(LAST).map_err(Error::file(LAST))?;
    serde_json::from_str(&text).map_err(|error| Error::Tool(error.to_string()))
}

/// The `custom_id` of the button with this label.
fn button(message: &Value, label: &str) -> Option<String> {
    let mut buttons = buttons(message);
    let found = buttons.find(|it| text(it, "label").eq_ignore_ascii_case(label))?;
    Some(text(found, "custom_id").to_owned())
}

/// Sends an interaction, and waits for an answer that follows later.
async fn answer(body: &Value) -> Result<Value> {
    let port = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let address = format!("http://127.0.0.1:{}", port("PORT", "9000"));
    let client = Client::new();
    let failed = Error::Tool;
    let response = client
        .send(caller::request(&address, body)?)
        .await
        .map_err(failed)?;
    let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    if !response.status().is_success() {
        return Err(Error::Tool(format!("{}: {answer}", response.status())));
    }
    if !matches!(part(&answer, "type").as_u64(), Some(5 | 6)) {
        return Ok(part(&answer, "data").clone());
    }
    println!("Portcullis is thinking…");
    let token = text(body, "token");
    let discord = format!(
        "http://127.0.0.1:{}/api/v10/webhooks/{APPLICATION}/{token}/messages/@original",
        port("DISCORD_PORT", "9004")
    );
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let get = hyper::Request::get(&discord)
            .header("user-agent", "DiscordBot (https://example.com, 1)")
            .body(bytes::Bytes::new())
            .map_err(|error| Error::Tool(error.to_string()))?;
        let found = client.send(get).await.map_err(Error::Tool)?;
        if found.status().is_success() {
            return serde_json::from_slice(found.body())
                .map_err(|error| Error::Tool(error.to_string()));
        }
    }
    Err(Error::Tool("no answer within 20 s".to_owned()))
}

fn print(shown: &Value) {
    if !text(shown, "title").is_empty() {
        println!("[form] {}", text(shown, "title"));
        for label in list(shown, "components") {
            let (title, input) = (text(label, "label"), part(label, "component"));
            let (name, value) = (text(input, "custom_id"), text(input, "value"));
            println!("  {title} ({name}): {value}");
        }
        return;
    }
    let mut lines = vec![text(shown, "content").to_owned()];
    for embed in list(shown, "embeds") {
        lines.push(format!("== {}", text(embed, "title")));
        lines.push(text(embed, "description").to_owned());
        let fields = list(embed, "fields").iter();
        lines.extend(fields.map(|it| format!("  {}: {}", text(it, "name"), text(it, "value"))));
        lines.push(text(part(embed, "footer"), "text").to_owned());
    }
    let buttons = buttons(shown).map(|button| format!("[button] {}", text(button, "label")));
    lines.extend(buttons);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        println!("{line}");
    }
}

fn part<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    part(value, name).as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = part(value, name).as_array();
    list.map(Vec::as_slice).unwrap_or_default()
}

fn buttons(message: &Value) -> impl Iterator<Item = &Value> {
    let rows = list(message, "components").iter();
    rows.flat_map(|row| list(row, "components"))
}
