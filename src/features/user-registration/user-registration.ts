/**
 * People who have no account yet (Initiating User Registration via OpenID Connect 1.0): with
 * `prompt=create` an application sends them to the page of the host that makes accounts. That page
 * signs them in as the login page does; this feature makes no accounts.
 */
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { declined, defineStep, type Step, unknownDecision } from '../../engine/contracts/step.ts';
import { prompts } from '../../engine/parameters.ts';
import { isFresh } from '../../engine/steps/login.ts';
import { definePage, isPageAddress } from '../../web/page.ts';

const NAME = 'user-registration';
const CREATE = 'create';

/** Options of user registration. */
export interface UserRegistrationOptions {
  /**
   * Address of your page that makes accounts, absolute or a path. It gets the parameter
   * `interaction`, and ends as your login page does. Null: `prompt=create` is refused.
   * @default null
   */
  readonly page: string | null;
}

const step = (page: string): Step =>
  defineStep({
    name: NAME,
    before: 'login',
    prompt: CREATE,
    silentError: 'interaction_required',
    page: definePage('userRegistration', page),
    anySession: true,
    // Initiating User Registration §4: the page that makes accounts comes first, even to
    // somebody who is signed in.
    due: ({ request, ...situation }) => {
      const isAsked = prompts(request).includes(CREATE);
      const hasAccount = situation.interaction.answers[NAME] !== undefined;
      if (!isAsked || hasAccount || isFresh(situation)) return null;
      return { because: 'prompt_create' };
    },
    view: () => ({}),
    async answer(_ctx, { decision }) {
      if (decision === 'login') return { outcome: 'answered', state: true };
      if (decision === 'cancel') return declined();
      throw unknownDecision();
    },
  });

/** User registration (Initiating User Registration via OpenID Connect 1.0): `prompt=create`. */
export const userRegistration: FeatureFactory<UserRegistrationOptions> =
  defineFeature<UserRegistrationOptions>({
    name: NAME,
    description: 'People make an account first (prompt=create), on a page of yours',
    options: {
      page: {
        kind: 'code',
        description: 'Your page that makes accounts',
        default: null,
        check(value, option, refuse) {
          if (value !== null && !isPageAddress(value))
            refuse(option, 'must be an address.', 'Name your page, such as /sign-up.');
        },
      },
    },
    create: ({ page }) => (page === null ? {} : { steps: [step(page)] }),
  });
