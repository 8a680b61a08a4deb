//! A small client for DynamoDB's JSON protocol.
//!
//! The template's table definitions and the stream's records are JSON documents in the API's own form
//! already, so the stack needs no SDK to parse and rebuild them. Local servers require a signature but do not
//! verify it.

use bytes::Bytes;
use hyper::Request;
use serde_json::{Value, json};

use crate::{CREDENTIAL, Error, REGION, Result, http::Client, template::Table};

#[derive(Debug, Clone)]
pub struct Dynamo {
    endpoint: String,
    authorization: String,
    http: Client,
}

impl Dynamo {
    pub fn new(endpoint: &str) -> Self {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={CREDENTIAL}/20260101/{REGION}/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={:064}",
            0
        );
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            authorization,
            http: Client::new(),
        }
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation such as `PutItem`.
    pub async fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        self.send("DynamoDB_20120810", operation, input).await
    }

    /// Calls an operation of the streams API such as `GetRecords`.
    pub async fn call_streams(&self, operation: &str, input: &Value) -> Result<Value> {
        self.send("DynamoDBStreams_20120810", operation, input)
            .await
    }

    async fn send(&self, service: &str, operation: &str, input: &Value) -> Result<Value> {
        let failed = |kind: &str, message: String| Error::Database {
            operation: operation.to_owned(),
            kind: kind.to_owned(),
            message,
        };
        let request = Request::post(format!("{}/", self.endpoint))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("{service}.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", &self.authorization)
            .body(Bytes::from(input.to_string()))
            .map_err(|e| failed("InvalidRequest", e.to_string()))?;
        let response = self
            .http
            .send(request)
            .await
            .map_err(|e| failed("Unreachable", format!("{}: {e}", self.endpoint)))?;
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() {
            return Ok(body);
        }
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let kind = text("__type")
            .and_then(|kind| kind.rsplit('#').next())
            .unwrap_or("Unknown");
        let message = text("message")
            .or_else(|| text("Message"))
            .unwrap_or_default();
        Err(failed(kind, message.to_owned()))
    }

    /// Creates the tables that do not exist yet.
    pub async fn create_tables(&self, tables: &[Table]) -> Result<()> {
        for table in tables {
            match self.call("CreateTable", &table.create).await {
                Ok(_) => {}
                Err(Error::Database { kind, .. }) if kind == "ResourceInUseException" => continue,
                Err(error) => return Err(error),
            }
            if let Some(attribute) = &table.ttl_attribute {
                let ttl = json!({
                    "TableName": table.name,
                    "TimeToLiveSpecification": { "Enabled": true, "AttributeName": attribute },
                });
                self.call("UpdateTimeToLive", &ttl).await?;
            }
        }
        Ok(())
    }
}
