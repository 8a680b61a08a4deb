"""What ministack does otherwise than AWS, and what the cloud test does about it.

This file is the only place with workarounds. Each says what AWS does, checks that ministack still does not, and
closes the gap. When a new version of ministack closes one, the test fails until the workaround is removed.
"""

import contextvars
import json
import os
import re
import sys

GAPS = []

# What the cloud test leaves out, most of it because ministack cannot do it.
LEFT_OUT = [
    "batch item failures, bisection and retries of streams: ministack counts a batch as done",
    "malware scans: ministack has no GuardDuty; the test invokes the function with its event",
    "throttles of routes, and alarms, which ministack stores without effect",
    "the age of signatures in the bucket's policy, which ministack does not compare",
    "the console, which is off by default: `make test` runs it with exactly its role",
    "TLS, custom domains and the URL in ApiUrl: the test calls the emulator's own address",
]


def gap(find):
    """A function that returns whether the gap is still there, and what closes it."""
    GAPS.append(find)
    return find


def describe():
    """A line for each gap, and for each thing that is left out."""
    return [f"gap: {find.__name__}: {' '.join(find.__doc__.split())}" for find in GAPS] + [
        f"left out: {what}" for what in LEFT_OUT]


def close():
    closed = []
    for find in GAPS:
        is_there, fix = find()
        if is_there():
            fix()
        else:
            closed.append(find.__name__)
    if closed:
        sys.exit(f"ministack has closed {', '.join(closed)}: remove the workarounds from tests/cloud/gaps.py")


@gap
def metric_math():
    """CloudFormation creates alarms on metric math; ministack refuses them. Their first metric stands in."""
    from ministack.services.cloudformation import provisioners

    record = provisioners._cw_metric_alarm_record

    def is_there():
        try:
            record("probe", {"Metrics": [{"Id": "a", "Expression": "1"}], "ComparisonOperator": "x", "Threshold": 1})
        except ValueError as refused:
            return "metric math" in str(refused)
        return False

    def with_first_metric(name, properties):
        if properties.get("Metrics"):
            metrics = [m["MetricStat"]["Metric"] for m in properties["Metrics"] if "MetricStat" in m]
            properties = {**properties, "Metrics": None, "MetricName": "expression", "Namespace": "none"}
            properties.update(metrics[0] if metrics else {})
        return record(name, properties)

    def fix():
        provisioners._cw_metric_alarm_record = with_first_metric

    return is_there, fix


@gap
def saved_queries():
    """CloudFormation creates saved queries of Logs Insights; ministack does not know them. They get an id only."""
    from ministack.services.cloudformation import provisioners

    handlers, name = provisioners._RESOURCE_HANDLERS, "AWS::Logs::QueryDefinition"

    def fix():
        handlers[name] = {
            "create": lambda logical_id, properties, stack: (f"{stack}-{logical_id}", {}),
            "update": lambda physical_id, old, new, stack: (physical_id, {}),
            "delete": lambda physical_id, properties: None}

    return lambda: name not in handlers, fix


@gap
def openapi_body():
    """CloudFormation creates the routes of an HTTP API from the OpenAPI document in Body, which SAM writes;
    ministack ignores it. Its own CreateIntegration and CreateRoute create them."""
    from ministack.services import apigateway
    from ministack.services.cloudformation import provisioners

    create, update = provisioners._apigw_v2_api_create, provisioners._apigw_v2_api_update
    document = {"paths": {"/probe": {"get": {"x-amazon-apigateway-integration": {"uri": "x"}}}}}

    def is_there():
        api, _ = create("probe", {"Body": document}, "probe")
        routes = len(apigateway._routes[api])
        provisioners._apigw_v2_api_delete(api, {})
        return routes == 0

    def add_routes(api, properties):
        for path, methods in properties["Body"]["paths"].items():
            for method, operation in methods.items():
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                integration = operation["x-amazon-apigateway-integration"]
                _, _, made = apigateway._create_integration(api, {
                    "integrationType": integration["type"].upper(), "integrationUri": integration["uri"],
                    "payloadFormatVersion": integration["payloadFormatVersion"]})
                route = "$default" if path == "/$default" else f"{verb} {path}"
                target = f"integrations/{json.loads(made)['integrationId']}"
                apigateway._create_route(api, {"routeKey": route, "target": target})

    def create_with_routes(logical_id, properties, stack):
        api, attributes = create(logical_id, properties, stack)
        add_routes(api, properties)
        return api, attributes

    def update_with_routes(physical_id, old, new, stack, logical_id=None):
        api, attributes = update(physical_id, old, new, stack, logical_id)
        apigateway._routes[api], apigateway._integrations[api] = {}, {}
        add_routes(api, new)
        return api, attributes

    def fix():
        handler = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
        handler.update(create=create_with_routes, update=update_with_routes)

    return is_there, fix


@gap
def boolean_parameters():
    """CloudFormation converts the text of a parameter to the type of the property; ministack stores the text
    'false' as DeletionProtectionEnabled, which no SDK reads."""
    from ministack.services import dynamodb
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create, update = handler["create"], handler["update"]

    def is_there():
        key = {"AttributeName": "pk", "AttributeType": "S", "KeyType": "HASH"}
        name, _ = create("probe", {"KeySchema": [key], "AttributeDefinitions": [key], "BillingMode":
                                   "PAY_PER_REQUEST", "DeletionProtectionEnabled": "false"}, "probe")
        return dynamodb._tables.pop(name)["DeletionProtectionEnabled"] == "false"

    def converted(properties):
        value = properties.get("DeletionProtectionEnabled", False)
        return {**properties, "DeletionProtectionEnabled": str(value).lower() == "true"}

    def fix():
        handler["create"] = lambda logical_id, new, stack: create(logical_id, converted(new), stack)
        handler["update"] = lambda physical_id, old, new, *rest, **named: update(
            physical_id, converted(old), converted(new), *rest, **named)

    return is_there, fix


@gap
def one_index_per_update():
    """CloudFormation creates or deletes one global index of a table per update; ministack any number."""
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    update = handler["update"]

    def indexes(properties):
        return {index["IndexName"] for index in properties.get("GlobalSecondaryIndexes", [])}

    def is_there():
        key = {"AttributeName": "pk", "AttributeType": "S", "KeyType": "HASH"}
        old = {"KeySchema": [key], "AttributeDefinitions": [key], "BillingMode": "PAY_PER_REQUEST"}
        new = [{"IndexName": name, "KeySchema": [key], "Projection": {"ProjectionType": "ALL"}} for name in "ab"]
        name, _ = handler["create"]("probe", old, "probe")
        try:
            update(name, old, {**old, "GlobalSecondaryIndexes": new}, "probe", "probe")
        except ValueError:
            return False
        finally:
            provisioners._dynamodb._tables.pop(name)
        return True

    def refusing(physical_id, old, new, *rest, **named):
        if len(indexes(old) ^ indexes(new)) > 1:
            raise ValueError("Cannot perform more than one GSI creation or deletion in a single update")
        return update(physical_id, old, new, *rest, **named)

    return is_there, lambda: handler.update(update=refusing)


@gap
def template_urls():
    """CloudFormation reads templates from https://BUCKET.s3.REGION.amazonaws.com/KEY; ministack only from URLs with
    the bucket in the path."""
    from ministack.services.cloudformation import helpers

    parse = helpers.urlparse

    def with_bucket_in_path(url):
        parsed = parse(url)
        bucket, _, host = parsed.netloc.partition(".s3.")
        return parsed._replace(path=f"/{bucket}{parsed.path}") if host.endswith("amazonaws.com") else parsed

    def is_there():
        _, refused = helpers._resolve_template({"TemplateURL": ["https://probe.s3.us-east-1.amazonaws.com/key"]})
        return "Invalid TemplateURL" in str(refused)

    def fix():
        helpers.urlparse = with_bucket_in_path

    return is_there, fix


@gap
def sam_transform():
    """CloudFormation applies SAM's transform. ministack does so with a package that its environment lacks; SAM's own
    environment has it."""
    def is_there():
        try:
            import samtranslator  # noqa: F401
        except ImportError:
            return True
        return False

    return is_there, lambda: sys.path.append(os.environ["SAM_PACKAGES"])


@gap
def encryption_in_transit():
    """The bucket policies refuse plain HTTP. The emulator serves no TLS here, for which each function would have
    to trust its certificate, so each request counts as encrypted."""
    from ministack import app

    pin = app.pin_request_origin

    def fix():
        app.pin_request_origin = lambda address, _: pin(address, True)

    return lambda: "USE_SSL" not in os.environ, fix


@gap
def missing_parents():
    """A stream filter with `exists: false` matches a record without the attribute at all. The event source mapping
    of ministack then refuses the record; its EventBridge engine, which matches as AWS documents, replaces it."""
    from ministack.services import eventbridge, lambda_svc

    pattern, record = {"image": {"position": {"N": [{"exists": False}]}}}, {"image": {"kind": {"S": "decision"}}}

    def fix():
        lambda_svc._match_esm_filter = eventbridge._matches_detail

    return lambda: not lambda_svc._match_esm_filter(record, pattern), fix


@gap
def table_settings():
    """CloudFormation turns on a table's expiry and point-in-time recovery; ministack leaves them off when it
    creates a table."""
    from ministack.services import dynamodb
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = handler["create"]

    def is_there():
        key = {"AttributeName": "pk", "AttributeType": "S", "KeyType": "HASH"}
        name, _ = create("probe", {"KeySchema": [key], "AttributeDefinitions": [key], "TimeToLiveSpecification":
                                   {"AttributeName": "ttl", "Enabled": True}}, "probe")
        _, _, answer = dynamodb._describe_ttl({"TableName": name})
        dynamodb._tables.pop(name)
        return b"ENABLED" not in answer

    def create_with_settings(logical_id, properties, stack):
        name, attributes = create(logical_id, properties, stack)
        for setting, change in [("TimeToLiveSpecification", dynamodb._update_ttl),
                                ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups)]:
            if setting in properties:
                change({"TableName": name, setting: properties[setting]})
        return name, attributes

    def fix():
        handler["create"] = create_with_settings

    return is_there, fix


@gap
def bucket_with_objects():
    """CloudFormation deletes only an empty bucket; ministack deletes any."""
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create, delete = handler["create"], handler["delete"]

    def is_there():
        name, _ = create("probe", {}, "probe")
        s3._buckets[name]["objects"]["probe"] = {"body": b"", "etag": "x", "size": 0}
        delete(name, {})
        return name not in s3._buckets

    def delete_empty(name, properties):
        if s3._buckets[name]["objects"]:
            raise ValueError("The bucket you tried to delete is not empty")
        delete(name, properties)

    def fix():
        handler["delete"] = delete_empty

    return is_there, fix


@gap
def bucket_lifecycle():
    """CloudFormation sets a bucket's lifecycle; ministack ignores it."""
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create = handler["create"]

    def is_there():
        rule = {"Id": "probe", "Status": "Enabled", "ExpirationInDays": 1}
        name, _ = create("probe", {"LifecycleConfiguration": {"Rules": [rule]}}, "probe")
        missing = s3._bucket_lifecycle.get(name) is None
        provisioners._s3_delete(name, {})
        return missing

    def rule_of(rule):
        expiration = "".join(f"<{tag}>{str(rule[own]).lower()}</{tag}>" for own, tag in [
            ("ExpirationInDays", "Days"), ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker")] if own in rule)
        parts = [("ID", rule["Id"]), ("Status", rule["Status"]), ("Expiration", expiration)]
        for name in ["NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"]:
            parts.append((name, "".join(f"<{k}>{v}</{k}>" for k, v in rule.get(name, {}).items())))
        return "<Rule><Filter/>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts if text) + "</Rule>"

    def create_with_lifecycle(logical_id, properties, stack):
        name, attributes = create(logical_id, properties, stack)
        if "LifecycleConfiguration" in properties:
            rules = "".join(map(rule_of, properties["LifecycleConfiguration"]["Rules"]))
            status, _, answer = s3._put_bucket_lifecycle(
                name, f"<LifecycleConfiguration>{rules}</LifecycleConfiguration>".encode())
            assert status == 200, answer
        return name, attributes

    def fix():
        handler["create"] = create_with_lifecycle

    return is_there, fix


@gap
def dynamodb_conditions():
    """IAM compares dynamodb:LeadingKeys, dynamodb:Attributes and dynamodb:ReturnValues with the request; ministack
    knows only the attributes of a projection. AWS does not document whether a batch over two tables is checked
    with the keys of each table or with all of them, so a batch must pass under both readings."""
    from ministack.core import iam_actions, iam_evaluator

    context, enforce = iam_actions.dynamodb_service_context, iam_evaluator.enforce
    body = contextvars.ContextVar("body", default=b"{}")

    def is_there():
        request = json.dumps({"TableName": "T", "Key": {"pk": {"S": "K#1"}}}).encode()
        return "dynamodb:LeadingKeys" not in context(request)

    def remembering(request):
        body.set(request)
        return {name: value for name, value in context(request).items() if name != "dynamodb:Attributes"}

    def enforce_each(key, action, service, region, resource_arn="*", service_context=None):
        if service != "dynamodb":
            return enforce(key, action, service, region, resource_arn, service_context)
        for values in contexts(json.loads(body.get() or b"{}"), action, resource_arn):
            denied = enforce(key, action, service, region, resource_arn, {**(service_context or {}), **values})
            if denied:
                return denied
        return None

    def fix():
        iam_actions.dynamodb_service_context = remembering
        iam_evaluator.enforce = enforce_each

    return is_there, fix


def contexts(request, action, resource):
    """The condition keys of a request for an action on a table, once for each item or reading."""
    table = resource.partition(":table/")[2].partition("/")[0]
    if "TransactItems" in request:
        verb = action.removeprefix("dynamodb:").removesuffix("Item")
        items = [item[verb] for item in request["TransactItems"] if verb in item]
        return [context_of(item) for item in items if item["TableName"] == table]
    if "RequestItems" in request:
        keys = {name: [key["pk"]["S"] for key in keys_of(part)] for name, part in request["RequestItems"].items()}
        part = request["RequestItems"][table]
        of_table = {**(context_of(part) if "Keys" in part else {}), "dynamodb:LeadingKeys": keys[table]}
        return [of_table, {**of_table, "dynamodb:LeadingKeys": sum(keys.values(), [])}]
    return [context_of(request)]


def keys_of(part):
    """The keys of a table's part in a batch of reads or of writes."""
    if "Keys" in part:
        return part["Keys"]
    return [write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"] for write in part]


EXPRESSIONS = ["UpdateExpression", "ConditionExpression", "ProjectionExpression", "FilterExpression",
               "KeyConditionExpression"]
WORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN", "if_not_exists", "list_append",
         "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}


def context_of(request):
    item = request.get("Key") or request.get("Item") or {}
    values = {}
    if "pk" in item:
        values["dynamodb:LeadingKeys"] = [item["pk"]["S"]]
    elif queried := re.search(r"=\s*(:\w+)", request.get("KeyConditionExpression", "")):
        values["dynamodb:LeadingKeys"] = [request["ExpressionAttributeValues"][queried[1]]["S"]]
    names = request.get("ExpressionAttributeNames", {})
    words = {word for part in EXPRESSIONS for word in re.findall(r"(?<![\w:.#])#?[A-Za-z_]\w*", request.get(part, ""))}
    attributes = {names.get(word, word) for word in words - WORDS}
    if attributes or "Item" in request:
        values["dynamodb:Attributes"] = sorted(attributes | set(item))
    if "ReturnValues" in request:
        values["dynamodb:ReturnValues"] = request["ReturnValues"]
    return values
