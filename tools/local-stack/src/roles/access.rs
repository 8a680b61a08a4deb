//! The actions and resources that a request to DynamoDB needs, with the values of IAM's condition keys.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::condition::Context;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Such as `dynamodb:GetItem`.
    pub action: String,
    /// Such as `dynamodb:table/BansTable/index/due`.
    pub resource: String,
    pub(super) context: Context,
}

/// The fields of a request that hold expressions.
const EXPRESSIONS: [&str; 5] = [
    "UpdateExpression",
    "ConditionExpression",
    "ProjectionExpression",
    "FilterExpression",
    "KeyConditionExpression",
];

/// Words in expressions that are not attribute names.
const WORDS: [&str; 17] = [
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "AND",
    "OR",
    "NOT",
    "BETWEEN",
    "IN",
    "if_not_exists",
    "list_append",
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "size",
];

impl Access {
    /// The accesses that an operation such as `TransactWriteItems` needs for this input.
    pub fn of(operation: &str, input: &Value) -> Vec<Self> {
        match operation {
            "BatchGetItem" => of_batch(operation, input, |table| list(table.get("Keys"))),
            "BatchWriteItem" => of_batch(operation, input, |table| {
                let key = |request: &Value| {
                    let put = request.pointer("/PutRequest/Item");
                    put.or_else(|| request.pointer("/DeleteRequest/Key"))
                        .cloned()
                };
                list(Some(table)).iter().filter_map(key).collect()
            }),
            "TransactWriteItems" | "TransactGetItems" => list(input.get("TransactItems"))
                .iter()
                .flat_map(|item| item.as_object().into_iter().flatten())
                .map(|(action, input)| match action.as_str() {
                    "ConditionCheck" => Self::single("ConditionCheckItem", input),
                    verb => Self::single(&format!("{verb}Item"), input),
                })
                .collect(),
            _ => vec![Self::single(operation, input)],
        }
    }

    fn single(action: &str, input: &Value) -> Self {
        let table = text(input, "TableName");
        let resource = match text(input, "IndexName") {
            "" => format!("dynamodb:table/{table}"),
            index => format!("dynamodb:table/{table}/index/{index}"),
        };
        let mut context = Context::new();
        let item = input.get("Key").or_else(|| input.get("Item"));
        if let Some(key) = item.map(partition_key).or_else(|| queried_partition(input)) {
            context.insert("dynamodb:LeadingKeys", vec![key]);
        }
        add_attributes(&mut context, input);
        for (name, key) in [
            ("ReturnValues", "dynamodb:ReturnValues"),
            ("Select", "dynamodb:Select"),
        ] {
            let value = text(input, name);
            if !value.is_empty() {
                context.insert(key, vec![value.to_owned()]);
            }
        }
        Self {
            action: format!("dynamodb:{action}"),
            resource,
            context,
        }
    }
}

/// The accesses of a batch on several tables. AWS does not document whether a condition on one table sees the
/// keys of the others, so each access has all keys.
fn of_batch(operation: &str, input: &Value, items: impl Fn(&Value) -> Vec<Value>) -> Vec<Access> {
    let tables: Vec<_> = input
        .get("RequestItems")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
        .collect();
    let keys: Vec<String> = tables
        .iter()
        .flat_map(|(_, table)| items(table))
        .map(|item| partition_key(&item))
        .collect();
    let access = |(name, table): (&String, &Value)| {
        let mut context = Context::from([("dynamodb:LeadingKeys", keys.clone())]);
        add_attributes(&mut context, table);
        Access {
            action: format!("dynamodb:{operation}"),
            resource: format!("dynamodb:table/{name}"),
            context,
        }
    };
    tables.into_iter().map(access).collect()
}

/// Adds the attributes in a request's expressions and key, or in the item it puts. A read of whole items has
/// none.
fn add_attributes(context: &mut Context, input: &Value) {
    let names = input.get("ExpressionAttributeNames");
    let mut found = BTreeSet::new();
    for expression in EXPRESSIONS {
        let is_part = |letter: char| letter.is_alphanumeric() || "_#:.".contains(letter);
        for word in text(input, expression).split(|letter| !is_part(letter)) {
            let is_value = word.starts_with(':') || word.parse::<f64>().is_ok();
            if word.is_empty() || is_value || WORDS.contains(&word) {
                continue;
            }
            let top = word.split('.').next().unwrap_or(word);
            let name = names.and_then(|names| names.get(top)?.as_str());
            found.insert(name.unwrap_or(top).to_owned());
        }
    }
    if found.is_empty() && input.get("Item").is_none() {
        return;
    }
    for part in ["Key", "Item"] {
        let part = input.get(part).and_then(Value::as_object);
        found.extend(part.into_iter().flatten().map(|(name, _)| name.clone()));
    }
    let found = found.into_iter().collect();
    context.insert("dynamodb:Attributes", found);
}

/// The partition key of a query: the value in its first comparison.
fn queried_partition(input: &Value) -> Option<String> {
    let (_, rest) = text(input, "KeyConditionExpression").split_once('=')?;
    let placeholder = rest.split_whitespace().next()?;
    let value = input.get("ExpressionAttributeValues")?.get(placeholder)?;
    Some(text(value, "S").to_owned())
}

fn partition_key(item: &Value) -> String {
    let key = item.get("pk").map(|key| text(key, "S"));
    key.unwrap_or_default().to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said<'a>(access: &'a Access, key: &str) -> Vec<&'a str> {
        let said = access.context.get(key).into_iter().flatten();
        said.map(String::as_str).collect()
    }

    #[test]
    fn update_names_its_key_and_all_attributes_of_its_expressions() {
        let input = json!({
            "TableName": "T",
            "Key": { "pk": { "S": "K#1" }, "sk": { "S": "K" } },
            "UpdateExpression": "SET #u = :today, a.b = if_not_exists(c, :x) REMOVE d",
            "ConditionExpression": "attribute_exists(pk) AND (e < :today OR NOT size(f) = :x)",
            "ExpressionAttributeNames": { "#u": "used" },
            "ReturnValues": "NONE",
        });
        let accesses = Access::of("UpdateItem", &input);
        let [access] = accesses.as_slice() else {
            panic!("{accesses:?}");
        };
        assert_eq!(access.action, "dynamodb:UpdateItem");
        assert_eq!(access.resource, "dynamodb:table/T");
        assert_eq!(said(access, "dynamodb:LeadingKeys"), ["K#1"]);
        let attributes = ["a", "c", "d", "e", "f", "pk", "sk", "used"];
        assert_eq!(said(access, "dynamodb:Attributes"), attributes);
        assert_eq!(said(access, "dynamodb:ReturnValues"), ["NONE"]);
    }

    #[test]
    fn query_names_its_index_and_partition() {
        let input = json!({
            "TableName": "T",
            "IndexName": "due",
            "KeyConditionExpression": "due = :shard AND due_at <= :now",
            "ExpressionAttributeValues": { ":shard": { "S": "T#1" }, ":now": { "N": "5" } },
        });
        let accesses = Access::of("Query", &input);
        assert_eq!(accesses[0].resource, "dynamodb:table/T/index/due");
        assert_eq!(said(&accesses[0], "dynamodb:LeadingKeys"), ["T#1"]);
    }

    #[test]
    fn batch_and_transaction_ask_for_each_table_and_action() {
        let key = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "x" } });
        let batch = json!({ "RequestItems": {
            "A": { "Keys": [key("1"), key("2")] }, "B": { "Keys": [key("3")] } } });
        let accesses = Access::of("BatchGetItem", &batch);
        assert_eq!(accesses.len(), 2);
        for access in &accesses {
            assert_eq!(said(access, "dynamodb:LeadingKeys"), ["1", "2", "3"]);
            assert_eq!(said(access, "dynamodb:Attributes"), Vec::<&str>::new());
        }
        let transaction = json!({ "TransactItems": [
            { "Put": { "TableName": "A", "Item": key("1") } },
            { "ConditionCheck": { "TableName": "A", "Key": key("2"), "ConditionExpression": "v = :v" } },
        ] });
        let accesses = Access::of("TransactWriteItems", &transaction);
        let actions: Vec<_> = accesses
            .iter()
            .map(|access| access.action.as_str())
            .collect();
        assert_eq!(actions, ["dynamodb:PutItem", "dynamodb:ConditionCheckItem"]);
        assert_eq!(said(&accesses[1], "dynamodb:LeadingKeys"), ["2"]);
    }
}
