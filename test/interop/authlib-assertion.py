"""A service that proves itself by a key with Authlib, and prints the response of the provider."""

import json
import os

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

token_endpoint = os.environ["TOKEN_ENDPOINT"]
session = OAuth2Session(
    os.environ["CLIENT_ID"],
    client_secret=os.environ["PRIVATE_KEY"],
    token_endpoint_auth_method=PrivateKeyJWT(os.environ["AUDIENCE"], alg=os.environ["ALG"]),
)
print(json.dumps(session.fetch_token(token_endpoint, grant_type="client_credentials")))
