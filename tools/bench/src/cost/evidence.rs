//! The cost of evidence.

use anyhow::Context;
use end_to_end::{Ban, Call};
use serde_json::{Value, json};

use super::cases::{Cases, EXPERIENCE};

/// The first bytes of an image.
const FILE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and whatever follows";

/// The SHA-256 of [`FILE`], in base64.
const SHA256: &str = "NF7co18EAlZePE8hP4qRlxtEy3TjgW9HE62nUc3/8P8=";

/// "Flies over the lobby at 0:42.", in base64.
const TEXT: &str = "RmxpZXMgb3ZlciB0aGUgbG9iYnkgYXQgMDo0Mi4=";

/// How many pieces a list contains.
const LISTED: u32 = 10;

fn guid(value: &Value, field: &str) -> anyhow::Result<String> {
    let guid = value.get(field).and_then(Value::as_str);
    Ok(guid.context("a guid")?.to_owned())
}

impl Cases<'_> {
    pub async fn evidence(&mut self) -> anyhow::Result<()> {
        let app = self.app;
        let workspace = app.workspace().await;
        let ban = workspace.ban_shown(Ban::of(1, EXPERIENCE)).await;
        let ban = guid(&ban, "guid")?;
        let create = |body: &Value| Call::new("PATCH", "/evidence/create").json(body);
        let about = |method: &str, piece: &str, rest: &str| {
            Call::new(method, &format!("/evidence/{piece}{rest}"))
        };
        let text = create(&json!({
            "caseId": ban, "evidenceType": "Metadata", "evidenceContent": TEXT,
        }));
        let file = create(&json!({
            "caseId": ban, "evidenceType": "File", "fileName": "clip.png",
            "contentType": "image/png", "size": FILE.len(), "sha256": SHA256,
        }));
        let mut pieces = Vec::new();
        for _ in 0..LISTED {
            let piece = workspace.send(text.clone()).await.success();
            pieces.push(guid(&piece, "evidenceGuid")?);
        }
        let [first, second, ..] = pieces.as_slice() else {
            anyhow::bail!("no pieces")
        };
        let list = Call::get(&format!("/bans/{ban}/evidence")).query("userId", 1);
        let mut take = self.taker(&workspace, "ban-evidence");
        take.second_call("evidence-list-10", "list of 10 pieces of evidence", list)
            .await?;
        let mut take = self.taker(&workspace, "evidence-create");
        take.second_call("evidence-text", "text added as evidence", text)
            .await?;
        take.call("evidence-file", "file declared as evidence", file.clone())
            .await?;
        let mut uploads = Vec::new();
        for _ in 0..2 {
            let piece = workspace.send(file.clone()).await.success();
            let upload = piece.get("upload").context("an upload")?;
            app.upload(upload, FILE).await;
            uploads.push(guid(&piece, "evidenceGuid")?);
        }
        let [earlier, later] = uploads.as_slice() else {
            anyhow::bail!("no uploads")
        };
        let mut take = self.taker(&workspace, "evidence-complete");
        take.send(about("POST", earlier, "/complete")).await?;
        let what = "upload of a file completed";
        take.call("evidence-complete", what, about("POST", later, "/complete"))
            .await?;
        let mut take = self.taker(&workspace, "evidence-metadata");
        let what = "metadata of a piece";
        take.second_call("evidence-metadata", what, about("GET", first, "/metadata"))
            .await?;
        let mut take = self.taker(&workspace, "evidence-get");
        take.second_call("evidence-get", "link to a file", about("GET", later, ""))
            .await?;
        let change =
            |number: u32| about("PATCH", first, "/metadata").json(&json!({ "number": number }));
        let mut take = self.taker(&workspace, "evidence-update");
        take.send(change(1)).await?;
        take.call("evidence-update", "changed metadata", change(2))
            .await?;
        let mut take = self.taker(&workspace, "evidence-delete");
        take.send(about("DELETE", first, "")).await?;
        take.call(
            "evidence-delete",
            "piece removed",
            about("DELETE", second, ""),
        )
        .await
    }
}
