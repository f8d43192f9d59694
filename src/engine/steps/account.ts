/** The account step: with which account to go on (`prompt=select_account`, OIDC Core §3.1.2.1). */
import { accountName } from '../../domain/accounts.ts';
import type { AccountView } from '../../domain/pages.ts';
import { definePage } from '../../web/page.ts';
import { declined, defineStep, type Step, unknownDecision } from '../contracts/step.ts';
import { prompts } from '../parameters.ts';

export const account: Step = defineStep<AccountView>({
  name: 'account',
  silentError: 'account_selection_required',
  page: definePage('account'),
  due({ request, session, interaction }) {
    const asked = prompts(request).includes('select_account');
    if (!asked || interaction.chosen === session?.sub) return null;
    return { because: 'prompt_select_account' };
  },
  view: (_ctx, situation) => ({ accountName: accountName(situation.account) }),
  async answer(_ctx, { decision }) {
    if (decision === 'continue') return { outcome: 'account_chosen' };
    if (decision === 'switch') return { outcome: 'switch_account' };
    if (decision === 'cancel') return declined();
    throw unknownDecision();
  },
});
