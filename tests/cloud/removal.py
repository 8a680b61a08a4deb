"""Removes everything, with the steps of docs/operations.md, and checks what each leaves."""

import time

from api import wait


def check(stack):
    """Tables and evidence stay. CloudFormation deletes only empty buckets, so recent exports and snapshots block
    it."""
    stack.update({"DeletionProtection": "false"})
    before, started = stack.resources(), time.time() * 1000
    # Like a snapshot, of which a workspace that is in use has one.
    stack.aws.client("s3").put_object(Bucket=before["SnapshotBucket"], Key="snapshot", Body=b"")
    stack.cloudformation.delete_stack(StackName=stack.name)
    status = wait("the deletion ends", lambda: ended(stack), 60)
    assert status == "DELETE_FAILED", f"the buckets hold objects, but the stack is {status}"
    empty(stack, before["ExportsBucket"])
    empty(stack, before["SnapshotBucket"])
    stack.cloudformation.delete_stack(StackName=stack.name)
    status = wait("the deletion ends", lambda: ended(stack), 60)
    assert status in ("gone", "DELETE_COMPLETE"), status

    s3 = stack.aws.client("s3")
    buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert before["EvidenceBucket"] in buckets and not buckets & {before["ExportsBucket"], before["SnapshotBucket"]}, buckets
    tables = stack.aws.client("dynamodb").list_tables()["TableNames"]
    assert set(tables) == {before["BansTable"], before["WorkspacesTable"]}, tables
    count = stack.aws.client("dynamodb").scan(TableName=before["BansTable"], Select="COUNT")["Count"]
    assert count > 0, "the table has lost its items"
    for left in [
        stack.aws.client("lambda").list_functions()["Functions"],
        stack.aws.client("iam").list_roles()["Roles"],
        stack.aws.client("apigatewayv2").get_apis()["Items"],
        stack.aws.client("events").list_rules()["Rules"],
        stack.aws.client("sqs").list_queues().get("QueueUrls", []),
        # A function that still runs writes its log group again, on AWS too.
        [group for group in stack.aws.client("logs").describe_log_groups()["logGroups"]
         if stack.name in group["logGroupName"] and group["creationTime"] < started],
        stack.aws.client("cloudwatch").describe_alarms()["MetricAlarms"],
    ]:
        assert not left, f"left after the deletion: {left}"
    print("removal: both tables and the bucket of evidence are left, with their contents")
    rest(stack, before, tables)


def rest(stack, before, tables):
    """Deletes what stays, because a mistake must not delete bans."""
    dynamodb, s3 = stack.aws.client("dynamodb"), stack.aws.client("s3")
    secrets = stack.aws.client("secretsmanager")
    for table in tables:
        dynamodb.delete_table(TableName=table)
    empty(stack, before["EvidenceBucket"])
    s3.delete_bucket(Bucket=before["EvidenceBucket"])
    own = [{"Key": "name", "Values": [f"portcullis/{stack.name}/"]}]
    named = secrets.list_secrets(Filters=own)["SecretList"]
    assert named, "the test has stored secrets"
    for secret in named:
        secrets.delete_secret(SecretId=secret["Name"])
    assert dynamodb.list_tables()["TableNames"] == []
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [stack.ARTIFACTS]
    assert secrets.list_secrets(Filters=own)["SecretList"] == []


def ended(stack):
    status = stack.status()
    return "gone" if status is None else status if not status.endswith("_IN_PROGRESS") else None


def empty(stack, bucket):
    s3 = stack.aws.client("s3")
    keys = [{"Key": it["Key"]} for it in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    if keys:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
