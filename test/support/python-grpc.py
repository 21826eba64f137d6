"""Makes unary calls with grpcio: reads one JSON document from standard input, writes one to standard output."""

import json
import sys

import grpc


def read(path):
    with open(path, "rb") as file:
        return file.read()


def call(channel, wanted):
    body = bytes.fromhex(wanted["hex"]) if "hex" in wanted else bytes(wanted["zeros"])
    method = channel.unary_unary(wanted["path"])
    compression = grpc.Compression.Gzip if wanted.get("gzip") else grpc.Compression.NoCompression
    try:
        answer = method(body, timeout=wanted.get("timeout", 10), compression=compression)
        return {"status": "OK", "hex": answer.hex()}
    except grpc.RpcError as error:
        return {"status": error.code().name, "details": error.details()}


def main():
    wanted = json.load(sys.stdin)
    credentials = grpc.ssl_channel_credentials(read(wanted["ca"]), read(wanted["key"]), read(wanted["cert"]))
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.secure_channel(wanted["address"], credentials, options=options) as channel:
        json.dump([call(channel, one) for one in wanted["calls"]], sys.stdout)


main()
