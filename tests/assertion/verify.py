"""Verifies an assertion as an app would: with PyJWT, and the keys from where they are published.

Usage: verify.py KEY_SET_URL ISSUER AUDIENCE, with the token on standard input. Prints {"header", "claims"} as JSON, or
the name of the error that PyJWT raises, and then exits with 1.
"""

import base64
import hashlib
import json
import sys

import jwt


def thumbprint(key):
    """The id that RFC 7638 gives to a key."""
    members = {name: key[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def main(url, issuer, audience):
    token = sys.stdin.read()
    client = jwt.PyJWKClient(url)
    for key in client.fetch_data()["keys"]:
        assert key["kid"] == thumbprint(key), key
    try:
        key = client.get_signing_key_from_jwt(token).key
        required = ["iss", "aud", "sub", "iat", "exp", "jti"]
        claims = jwt.decode(
            token, key, algorithms=["ES256"], issuer=issuer, audience=audience, options={"require": required}
        )
    except jwt.PyJWTError as error:
        sys.exit(type(error).__name__)
    print(json.dumps({"header": jwt.get_unverified_header(token), "claims": claims}))


main(*sys.argv[1:])
