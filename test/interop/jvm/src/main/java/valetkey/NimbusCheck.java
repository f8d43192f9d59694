package valetkey;

import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWEDecryptionKeySelector;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;
import java.util.Set;

/**
 * Verifies access tokens offline: each line of the input is one, each line of the output its
 * claims, or why it is refused. The environment has the keys, the issuer, the audience and the
 * algorithms.
 */
public class NimbusCheck {
  public static void main(String[] args) throws Exception {
    Map<String, String> env = System.getenv();
    JWKSet keys = JWKSet.parse(env.get("KEYS"));
    var processor = new DefaultJWTProcessor<SecurityContext>();
    var type = new DefaultJOSEObjectTypeVerifier<SecurityContext>(new JOSEObjectType("at+jwt"));
    processor.setJWSTypeVerifier(type);
    processor.setJWSKeySelector(
        new JWSVerificationKeySelector<>(
            Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256, JWSAlgorithm.PS256),
            new ImmutableJWKSet<>(keys)));
    if (env.containsKey("PRIVATE_KEYS")) {
      processor.setJWEKeySelector(
          new JWEDecryptionKeySelector<>(
              JWEAlgorithm.parse(env.get("JWE_ALG")),
              EncryptionMethod.parse(env.get("JWE_ENC")),
              new ImmutableJWKSet<>(JWKSet.parse(env.get("PRIVATE_KEYS")))));
    }
    processor.setJWTClaimsSetVerifier(
        new DefaultJWTClaimsVerifier<>(
            env.get("AUDIENCE"),
            new JWTClaimsSet.Builder().issuer(env.get("ISSUER")).build(),
            // RFC 9068 §2.2: what an access token has to say.
            Set.of("iss", "exp", "aud", "sub", "client_id", "iat", "jti")));
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String token = input.readLine(); token != null; token = input.readLine()) {
      try {
        System.out.println(processor.process(token, null));
      } catch (Exception refusal) {
        System.out.println("refused: " + refusal.getMessage());
      }
    }
  }
}
