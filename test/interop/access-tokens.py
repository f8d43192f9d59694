"""Verifies JWT access tokens as an API in Python does: by Authlib, by joserfc and by PyJWT.

Reads a JSON object: the key set, the issuer, the private key of the API, and the tokens to verify,
each with the library, the audience and the algorithm. Writes a list: the claims of each token, or
None with the reason on the standard error output.
"""

import json
import sys

import joserfc.jwt
import jwt
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwe
from joserfc.jwk import KeySet, import_key

asked = json.load(sys.stdin)
# RFC 9068 §2.2: what an access token has to say.
REQUIRED = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]


class ApiValidator(JWTBearerTokenValidator):
    def get_jwks(self):
        return KeySet.import_key_set(asked["keys"])


def by_authlib(token, audience, alg):
    validator = ApiValidator(asked["issuer"], audience)
    found = validator.authenticate_token(token)
    validator.validate_token(found, ["read"], None)
    return dict(found)


def by_joserfc(token, audience, alg):
    found = joserfc.jwt.decode(token, KeySet.import_key_set(asked["keys"]), algorithms=[alg])
    require_type(found.header)
    claims = {name: {"essential": True} for name in REQUIRED}
    claims["iss"]["value"] = asked["issuer"]
    claims["aud"]["value"] = audience
    joserfc.jwt.JWTClaimsRegistry(**claims).validate(found.claims)
    return found.claims


def by_pyjwt(token, audience, alg):
    header = jwt.get_unverified_header(token)
    require_type(header)
    return jwt.decode(
        token,
        jwt.PyJWKSet.from_dict(asked["keys"])[header["kid"]],
        algorithms=[alg],
        audience=audience,
        issuer=asked["issuer"],
        options={"require": REQUIRED},
    )


def require_type(header):
    # RFC 9068 §4: no other JWT of the same issuer is taken for an access token.
    if header.get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
        raise ValueError("typ is not at+jwt")


def opened(token):
    if token.count(".") != 4:
        return token
    key = import_key(asked["private_key"])
    algorithms = [asked["private_key"]["alg"], "A256GCM"]
    found = jwe.decrypt_compact(token, key, algorithms=algorithms)
    return found.plaintext.decode()


LIBRARIES = {"Authlib": by_authlib, "joserfc": by_joserfc, "PyJWT": by_pyjwt}


def verified(one):
    try:
        token = opened(one["token"])
        return LIBRARIES[one["library"]](token, one["audience"], one["alg"])
    except Exception as refusal:
        print(one["library"], type(refusal).__name__, refusal, file=sys.stderr)
        return None


json.dump([verified(one) for one in asked["tokens"]], sys.stdout)
