"""Stands for a key management service: signs standard input with a P-256 key that no file of the publisher has, in base64.

    device.signer [public]      with `public`, prints the public half
"""

import base64
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

key = ec.derive_private_key(SECRET, ec.SECP256R1())
if sys.argv[1:] == ["public"]:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    print(public.decode(), end="")
else:
    print(base64.b64encode(key.sign(sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256()))).decode())
