"""A stranger's client: knows the address, asks reflection for everything else, and prints what comes back as lines of JSON.

client.py ADDRESS call NAME [JSON] [--token T] [--take N] [--wait S] [--idle S] [--quiet] [--huge BYTES] [--garbage] [--as PATH] [--say NAME=VALUE]
client.py ADDRESS health [SERVICE] [--watch N]
client.py ADDRESS services
Before ADDRESS: --ca FILE speaks TLS with who shows a certificate of that authority, --certificate FILE --key FILE shows one in turn.

A line for each message that came, `{"message": {…}}`; the last line is how it ended: `{"code": "OK", …}`.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

SERVICE = "netlink.update.v1.UpgradeService"


def say(value):
    print(json.dumps(value), flush=True)


def shown(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def ended(call):
    end = {"code": call.code().name, "message": call.details() or ""}
    status = rpc_status.from_call(call)
    for detail in status.details if status else ():
        info, wait = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
            end.update(reason=info.reason, domain=info.domain, metadata=dict(info.metadata))
        if detail.Is(wait.DESCRIPTOR):
            detail.Unpack(wait)
            end["retry_seconds"] = wait.retry_delay.seconds
    say(end)


def listen(stream, wanted, quiet=False):
    """Until the end, or until so many have come; then it is cancelled. Of many only the last is said."""
    came, last = 0, None
    try:
        for message in stream:
            came, last = came + 1, message
            if not quiet:
                say({"message": shown(message)})
            if came == wanted:
                stream.cancel()
    except grpc.RpcError:
        pass
    if quiet and last is not None:
        say({"message": shown(last)})
    ended(stream)


def ask(channel, wanted):
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(SERVICE).FindMethodByName(wanted.name)
    request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    message = json_format.Parse(wanted.json, request())
    if wanted.huge:
        setattr(message, message.DESCRIPTOR.fields[0].name, "x" * wanted.huge)
    metadata = [("authorization", wanted.token)] if wanted.token else []
    metadata += [tuple(one.split("=", 1)) for one in wanted.say]
    path = f"/{wanted.path or SERVICE + '/' + wanted.name}"

    def written(message):
        return b"\xff\xff\xff" if wanted.garbage else message.SerializeToString()

    if method.server_streaming:
        stream = channel.unary_stream(path, written, answer.FromString)(
            message, metadata=metadata, timeout=wanted.wait
        )
        if wanted.idle:
            # Headers have come by then, and nobody takes what follows.
            list(stream.initial_metadata())
            time.sleep(wanted.idle)
        listen(stream, wanted.take, wanted.quiet)
        return
    call = channel.unary_unary(path, written, answer.FromString)
    try:
        came, end = call.with_call(message, metadata=metadata, timeout=wanted.wait)
        say({"message": shown(came)})
        ended(end)
    except grpc.RpcError as error:
        ended(error)


def health(channel, wanted):
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=wanted.service)
    if wanted.watch:
        listen(stub.Watch(request, timeout=wanted.wait), wanted.watch)
        return
    try:
        came, end = stub.Check.with_call(request, timeout=wanted.wait)
        say({"message": shown(came)})
        ended(end)
    except grpc.RpcError as error:
        ended(error)


def opened(wanted):
    # No proxy of the environment is asked for what is on this machine, and what nobody has taken is kept within 64 KB.
    options = [("grpc.enable_http_proxy", 0), ("grpc.http2.bdp_probe", 0)]
    if not wanted.ca:
        return grpc.insecure_channel(wanted.address, options=options)

    def content(path):
        return path and path.read_bytes()

    shown = grpc.ssl_channel_credentials(content(wanted.ca), content(wanted.key), content(wanted.certificate))
    return grpc.secure_channel(wanted.address, shown, options=options)


def services(channel, _):
    say({"message": sorted(ProtoReflectionDescriptorDatabase(channel).get_services())})
    say({"code": "OK", "message": ""})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca", type=Path)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("address")
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("call")
    verb.add_argument("name")
    verb.add_argument("json", nargs="?", default="{}")
    verb.add_argument("--token", help="all of the metadata `authorization`")
    verb.add_argument("--take", type=int, default=0)
    verb.add_argument("--idle", type=float, default=0)
    verb.add_argument("--quiet", action="store_true")
    verb.add_argument("--huge", type=int, default=0)
    verb.add_argument("--garbage", action="store_true")
    verb.add_argument("--as", dest="path")
    verb.add_argument("--say", action="append", default=[], help="more of the metadata")
    verb.add_argument("--wait", type=float, default=60)
    verb.set_defaults(run=ask)
    verb = verbs.add_parser("health")
    verb.add_argument("service", nargs="?", default="")
    verb.add_argument("--watch", type=int, default=0)
    verb.add_argument("--wait", type=float, default=60)
    verb.set_defaults(run=health)
    verbs.add_parser("services").set_defaults(run=services)
    wanted = parser.parse_args()
    with opened(wanted) as channel:
        wanted.run(channel, wanted)


sys.exit(main())
