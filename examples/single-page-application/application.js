/** The application in the browser. `oidc` is the library oidc-client-ts. */
const { issuer, resource, clientId } = await (await fetch('/config.json')).json();
const { UserManager } = window.oidc;

const manager = new UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile photos.read',
  resource,
});

const find = (id) => document.getElementById(id);

async function callApi(path) {
  const user = await manager.getUser();
  if (user === null) return await manager.signinRedirect();
  const headers = { authorization: `Bearer ${user.access_token}` };
  const response = await fetch(`${resource}${path}`, { headers });
  // The person withdrew the access, or an administrator ended it.
  if (response.status === 401) return await manager.signinRedirect();
  if (!response.ok) throw new Error(`The API answered ${response.status}.`);
  return await response.json();
}

async function showPhotos() {
  const answer = await callApi('/photos');
  const items = (answer?.photos ?? []).map((name) => {
    const item = document.createElement('li');
    item.textContent = name;
    return item;
  });
  find('photos').replaceChildren(...items);
  find('gallery').hidden = items.length === 0;
}

/** Who is signed in, after the answer of the provider is taken, if there is one. */
async function currentUser() {
  if (location.pathname !== '/callback') return await manager.getUser();
  try {
    return await manager.signinRedirectCallback();
  } finally {
    // The code has no place in the history.
    history.replaceState(null, '', '/');
  }
}

function show(user) {
  const isSignedIn = user !== null && !user.expired;
  find('person').textContent = isSignedIn ? `Signed in: ${user.profile.name}` : 'Not signed in.';
  find('sign-in').hidden = isSignedIn;
  find('show-photos').hidden = !isSignedIn;
  find('sign-out').hidden = !isSignedIn;
  if (!isSignedIn) find('gallery').hidden = true;
}

function tell(error) {
  find('problem').textContent = error === null ? '' : `That did not work: ${error.message}`;
}

const on = (id, work) =>
  find(id).addEventListener('click', () => {
    tell(null);
    work().catch(tell);
  });
on('sign-in', () => manager.signinRedirect());
on('show-photos', showPhotos);
on('sign-out', () => manager.signoutRedirect());
// The library renews by itself a minute before the token ends.
manager.events.addUserLoaded(show);
manager.events.addUserUnloaded(() => show(null));
await currentUser()
  .catch((error) => {
    tell(error);
    return null;
  })
  .then(show);
