"""An application in Flask that signs people in with Authlib, as its documentation shows it."""

import os

from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, url_for

app = Flask(__name__)
app.secret_key = "a secret of the application, for tests only"
oauth = OAuth(app)
oauth.register(
    "valetkey",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email"},
)


@app.route("/")
def home():
    return "Photo Printer"


@app.route("/login")
def login():
    return oauth.valetkey.authorize_redirect(url_for("callback", _external=True))


@app.route("/callback")
def callback():
    token = oauth.valetkey.authorize_access_token()
    return jsonify(id_token=token["userinfo"], userinfo=oauth.valetkey.userinfo())


app.run(host="localhost", port=int(os.environ["PORT"]))
