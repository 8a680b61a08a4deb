"""The same scenario on another DynamoDB engine, moto's: functions of a stack that call it instead of the emulator."""

import json
import os
import subprocess
import threading

import boto3

import scenario
from api import Api, fetch, wait
from stack import KEY, REGION, ROOT, Stack, free_port

STREAMS = {"BansStream": "SpreadDecisionsFunction", "EventsStream": "PublishEventsFunction"}


class Moto:
    """A running moto server."""

    def __init__(self, folder):
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        program = os.environ.get("MOTO", str(ROOT / ".tools/moto/bin/moto_server"))
        self.log = open(self.folder / "moto.log", "wb")
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdout=self.log, stderr=subprocess.STDOUT)
        wait("moto answers", self.answers, 60)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def answers(self):
        try:
            return fetch("GET", f"{self.url}/moto-api/data.json")[0] == 200
        except OSError:
            return False

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=KEY,
                            aws_secret_access_key=KEY)

    def create_tables(self, stack):
        for name in ["BansTable", "WorkspacesTable"]:
            given = stack.template["Resources"][name]["Properties"]
            wanted = {part: given[part] for part in [
                "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"]}
            if "StreamSpecification" in given:
                wanted["StreamSpecification"] = {**given["StreamSpecification"], "StreamEnabled": True}
            self.client("dynamodb").create_table(TableName=stack.outputs[f"{name}Name"], **wanted)


class Mappings(threading.Thread):
    """The event source mappings, which read moto's stream instead of the emulator's."""

    def __init__(self, moto, stack):
        super().__init__(daemon=True)
        self.stack, self.resources, self.problem = stack, stack.resources(), None
        self.streams = moto.client("dynamodbstreams")
        self.events, self.functions = stack.aws.client("events"), stack.aws.client("lambda")
        table = moto.client("dynamodb").describe_table(TableName=stack.outputs["BansTableName"])["Table"]
        arn = table["LatestStreamArn"]
        [shard] = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self.at = self.streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        self.ends = threading.Event()

    def run(self):
        try:
            while not self.ends.wait(0.2):
                found = self.streams.get_records(ShardIterator=self.at)
                self.at = found["NextShardIterator"]
                for mapping, function in STREAMS.items():
                    self.deliver(mapping, function, found["Records"])
        except Exception as problem:  # The test reports it.
            self.problem = problem

    def deliver(self, mapping, function, records):
        filters = self.stack.template["Resources"][mapping]["Properties"]["FilterCriteria"]["Filters"]
        passing = [text for text in (json.dumps(record, default=lambda time: time.timestamp()) for record in records)
                   if any(self.passes(text, it["Pattern"]) for it in filters)]
        if passing:
            answer = self.functions.invoke(
                FunctionName=self.resources[function], Payload=f'{{"Records":[{",".join(passing)}]}}'.encode())
            content = json.loads(answer["Payload"].read())
            assert content == {"batchItemFailures": []}, f"{function}: {content}"

    def passes(self, record, pattern):
        envelope = {"id": "1", "account": "1", "source": "x", "time": "2026-01-01T00:00:00Z", "region": "x",
                    "resources": [], "detail-type": "x", "dynamodb": json.loads(record)["dynamodb"]}
        return self.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(envelope))["Result"]


def check(aws, keys):
    """Runs the scenario. `keys` returns the keys of a workspace that it creates in a stack."""
    with Moto(aws.folder) as moto:
        stack = Stack.deploy(aws, "on-moto", variables={"AWS_ENDPOINT_URL_DYNAMODB": moto.url})
        stack.operator = {"AWS_ENDPOINT_URL_DYNAMODB": moto.url}
        moto.create_tables(stack)
        mappings = Mappings(moto, stack)
        mappings.start()
        try:
            # When a transaction fails, moto restores its tables, and loses what others have written meanwhile.
            scenario.run(Api(stack.url(""), keys(stack)), at_once=False)
        finally:
            mappings.ends.set()
            mappings.join()
        assert mappings.problem is None, mappings.problem
