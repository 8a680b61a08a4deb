//! People on Discord: they use commands, press buttons and send forms, and see what is answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use local_stack::discord::caller::{self, Act};
use local_stack::exchange::Exchange;
use local_stack::http::Client;
use serde_json::{Value, json};
use shared::domain::account_links::LinkPair;
use shared::domain::actor::Channel;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::UserId;
use shared::domain::members::{DiscordId, MemberId, MemberPermission};
use shared::store::LinkActor;

use crate::app::TestApp;
use crate::eventually::eventually;
use crate::published_contract::interactions_contract;
use crate::response::ApiResponse;
use crate::workspace::{Workspace, now};

/// A person in a guild.
#[derive(Clone, Copy, Debug)]
pub struct OnDiscord<'a> {
    app: &'a TestApp,
    pub guild: u64,
    pub user: u64,
}

/// What a person sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown(pub Value);

fn id(id: u64) -> DiscordId {
    DiscordId::new(id).expect("a Discord id")
}

impl Workspace<'_> {
    /// Links a guild of the fake Discord.
    pub async fn link_guild(&self, guild: u64) {
        let store = self.app().store();
        let linked = store.link_guild(self.id().prefix(), id(guild), UnixSeconds(now()));
        linked.await.expect("a link").expect("no conflict");
    }

    /// Links a player and a person on Discord by an import.
    pub async fn link_accounts(&self, player: u64, discord: u64) {
        let pair = LinkPair {
            roblox: UserId::new(player).expect("a user"),
            discord: id(discord),
        };
        let by = LinkActor {
            id: "operator".to_owned(),
            channel: Channel::Cli,
            principal: None,
        };
        let (store, prefix) = (self.app().store(), self.id().prefix());
        let imported = store.import_link(prefix, pair, &by, None).await;
        imported.expect("a link").expect("a link");
    }

    /// Watches the audit log of a linked guild from now on.
    pub async fn watch_guild(&self, guild: u64) {
        let store = self.app().store();
        let watching = store.watch_guild(self.id().prefix(), id(guild), UnixMillis::now());
        assert!(watching.await.expect("a watch"), "the guild is linked");
    }

    /// A new member with a Discord account.
    pub async fn add_on_discord(
        &self,
        name: &str,
        user: u64,
        granted: &[MemberPermission],
    ) -> MemberId {
        self.new_member(name, Some(id(user)), granted).await
    }
}

impl TestApp {
    /// A person in a guild of the fake Discord.
    pub const fn on_discord(&self, guild: u64, user: u64) -> OnDiscord<'_> {
        OnDiscord {
            app: self,
            guild,
            user,
        }
    }

    /// Sends any request to the endpoint.
    pub async fn send_interaction(&self, request: Request<Bytes>) -> ApiResponse {
        let answer = Client::new().send(request).await;
        ApiResponse::new(answer.expect("an answer"))
    }

    /// Signs an interaction and sends it once, if there may be no answer. Waits for one that follows.
    pub async fn try_interaction(&self, body: &Value, within: Duration) -> Result<Shown, String> {
        let request = caller::request(self.address(), body).map_err(|error| error.to_string())?;
        let answer = Client::new().send(request).await;
        let answer = ApiResponse::new(answer.map_err(|error| error.to_string())?);
        if answer.status != 200 {
            return Err(format!("answered {}", answer.status));
        }
        let reply = answer.json();
        let token = body["token"].as_str().unwrap_or_default();
        let until = Instant::now() + within;
        let mut shown = Some(reply["data"].clone());
        if matches!(reply["type"].as_u64(), Some(5 | 6)) {
            shown = None;
            while shown.is_none() && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(50)).await;
                shown = self.discord().original(token);
            }
        }
        match shown.filter(|shown| !is_busy(shown)) {
            Some(shown) => Ok(Shown(shown)),
            None => Err("Portcullis is busy".to_owned()),
        }
    }

    /// Signs an interaction, sends it, and checks the answer against Discord's own description. On a busy
    /// machine it may have to be sent again, which Portcullis answers like the first time.
    pub async fn interact(&self, body: &Value) -> Value {
        eventually("an answer in time", async || {
            let reply = self.interact_once(body).await;
            (!is_busy(&reply["data"])).then_some(reply)
        })
        .await
    }

    /// The same for what needs the worker: it is asked until it has accepted the interaction.
    pub async fn defer(&self, body: &Value) {
        let reply = self.interact(body).await;
        assert_eq!(reply["type"], 5, "{reply}");
        assert_eq!(reply["data"]["flags"], 64);
    }

    async fn interact_once(&self, body: &Value) -> Value {
        let request = caller::request(self.address(), body).expect("a request");
        let answer = self.send_interaction(request).await;
        if answer.status == 503 {
            // Not even the function's clock has run in time.
            return json!({ "data": { "content": "Portcullis is busy" } });
        }
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let reply = answer.json();
        assert_described("POST", "/interactions/1/token/callback", &reply);
        assert_limited(&reply["data"]);
        reply
    }

    /// The same, and waits for an answer that follows.
    pub async fn interact_to_the_end(&self, body: &Value) -> Shown {
        let reply = self.interact(body).await;
        if !matches!(reply["type"].as_u64(), Some(5 | 6)) {
            return Shown(reply["data"].clone());
        }
        let token = body["token"].as_str().expect("a token");
        let shown = eventually("the answer is edited", async || {
            let shown = self.discord().original(token);
            shown.filter(|shown| !is_busy(shown))
        });
        let shown = shown.await;
        for exchange in self.discord().exchanges() {
            if exchange.path.contains("@original") && exchange.status == 200 {
                let problems = interactions_contract().problems(&exchange);
                assert_eq!(problems, [""; 0], "{}", exchange.path);
            }
        }
        assert_limited(&shown);
        Shown(shown)
    }
}

/// Whether a message says that Portcullis had no time.
fn is_busy(message: &Value) -> bool {
    let content = message["content"].as_str().unwrap_or_default();
    content.starts_with("Portcullis is busy")
}

/// Asserts that Discord's description accepts what is sent.
pub fn assert_described(method: &str, path: &str, body: &Value) {
    let exchange = Exchange {
        method: method.to_owned(),
        path: format!("/api/v10{path}"),
        query: std::collections::BTreeMap::default(),
        body: Bytes::from(body.to_string()),
        status: 204,
        answer: Bytes::new(),
    };
    let problems = interactions_contract().problems(&exchange);
    assert_eq!(problems, [""; 0], "{body}");
}

/// Asserts the limits that Discord describes in words alone, and that nobody is mentioned.
fn assert_limited(message: &Value) {
    let embeds = message["embeds"].as_array().cloned().unwrap_or_default();
    let mut sum = 0;
    for embed in &embeds {
        let fields = embed["fields"].as_array().cloned().unwrap_or_default();
        let texts = [
            &embed["title"],
            &embed["description"],
            &embed["footer"]["text"],
        ];
        let texts = texts
            .into_iter()
            .chain(fields.iter().flat_map(|it| [&it["name"], &it["value"]]));
        sum += texts
            .filter_map(Value::as_str)
            .map(|text| text.encode_utf16().count())
            .sum::<usize>();
    }
    assert!(sum <= 6_000, "{sum}");
    if message.get("allowed_mentions").is_some() {
        assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
    }
}

impl OnDiscord<'_> {
    /// What Discord sends for an act of this person.
    pub fn body(&self, act: Act, data: &Value) -> Value {
        let guild = self.app.discord().guild(self.guild).expect("a guild");
        caller::interaction((self.guild, &guild), self.user, act, data)
    }

    /// What Discord sends for a command.
    pub fn command_body(&self, name: &str, options: &[(&str, Value)]) -> Value {
        self.body(Act::Command, &caller::command_data(name, options))
    }

    /// Uses a command with options of text, and `true` for a flag.
    pub async fn command(&self, name: &str, options: &[(&str, &str)]) -> Shown {
        let body = self.command_body(name, &typed(options));
        self.app.interact_to_the_end(&body).await
    }

    /// What Discord sends for a command in the menu of a user.
    pub fn user_menu_body(&self, name: &str, target: u64) -> Value {
        self.body(Act::Command, &caller::user_menu_data(name, target))
    }

    /// Uses it.
    pub async fn user_menu(&self, name: &str, target: u64) -> Shown {
        let body = self.user_menu_body(name, target);
        self.app.interact_to_the_end(&body).await
    }

    /// Chooses a command in the menu of a message with these files.
    pub async fn message_menu(&self, name: &str, files: &[Value]) -> Shown {
        let data = caller::message_menu_data(name, files);
        let body = self.body(Act::Command, &data);
        self.app.interact_to_the_end(&body).await
    }

    /// What Discord sends when a form is sent.
    pub fn submit_body(&self, custom_id: &str, fields: &[(&str, &str)]) -> Value {
        self.body(Act::Submit, &caller::form_data(custom_id, fields))
    }

    /// What Discord sends when a button is pressed.
    pub fn press_body(&self, shown: &Shown, label: &str) -> Value {
        let custom_id = shown.button(label);
        let data = json!({ "component_type": 2, "custom_id": custom_id });
        let mut body = self.body(Act::Press, &data);
        body["message"] = shown.0.clone();
        body
    }

    pub async fn press(&self, shown: &Shown, label: &str) -> Shown {
        let body = self.press_body(shown, label);
        self.app.interact_to_the_end(&body).await
    }

    /// Sends a form.
    pub async fn submit(&self, custom_id: &str, fields: &[(&str, &str)]) -> Shown {
        let body = self.submit_body(custom_id, fields);
        self.app.interact_to_the_end(&body).await
    }

    /// The names and values to choose from while an option is typed.
    pub async fn choices(&self, command: &str, option: &str, typed: &str) -> Vec<(String, String)> {
        let mut data = caller::command_data(command, &[(option, json!(typed))]);
        data["options"][0]["focused"] = json!(true);
        let mut choices = Vec::new();
        // Without time there are no choices.
        for _ in 0..3 {
            let reply = self.app.interact(&self.body(Act::Typing, &data)).await;
            assert_eq!(reply["type"], 8, "{reply}");
            choices.clone_from(reply["data"]["choices"].as_array().expect("choices"));
            if !choices.is_empty() {
                break;
            }
        }
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let choice = |it: &Value| (text(&it["name"]), text(&it["value"]));
        choices.iter().map(choice).collect()
    }
}

fn typed<'a>(options: &[(&'a str, &str)]) -> Vec<(&'a str, Value)> {
    let option = |(name, value): &(&'a str, &str)| match *value {
        "true" => (*name, json!(true)),
        text => (*name, json!(text)),
    };
    options.iter().map(option).collect()
}

impl Shown {
    /// All texts.
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// Asserts that it says something, and that only its receiver sees it.
    #[track_caller]
    pub fn says(&self, what: &str) {
        assert!(self.text().contains(what), "{what}: {}", self.text());
    }

    #[track_caller]
    pub fn does_not_say(&self, what: &str) {
        assert!(!self.text().contains(what), "{what}: {}", self.text());
    }

    /// What a field of a form contains at first.
    pub fn prefilled(&self, name: &str) -> String {
        let labels = self.0["components"].as_array().into_iter().flatten();
        let mut inputs = labels.map(|label| &label["component"]);
        let input = inputs.find(|input| input["custom_id"] == name);
        let input = input.unwrap_or_else(|| panic!("no field {name}: {}", self.0));
        input["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The labels of the buttons.
    pub fn labels(&self) -> Vec<String> {
        let buttons = self.buttons();
        let label = |it: &Value| it["label"].as_str().expect("a label").to_owned();
        buttons.iter().map(label).collect()
    }

    /// The `custom_id` of the button with a label.
    pub fn button(&self, label: &str) -> String {
        let buttons = self.buttons();
        let found = buttons.iter().find(|it| it["label"] == label);
        let found = found.unwrap_or_else(|| panic!("no button {label}: {}", self.0));
        found["custom_id"].as_str().expect("an id").to_owned()
    }

    fn buttons(&self) -> Vec<Value> {
        let rows = self.0["components"].as_array().into_iter().flatten();
        let buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
        buttons.cloned().collect()
    }
}
