package valetkey;

import java.util.Map;
import java.util.Objects;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An API that verifies JWT access tokens (RFC 9068) by the keys that discovery names. */
@Configuration
@EnableAutoConfiguration
@RestController
public class JwtApi {
  private static final JwtClaimValidator<String> CLIENT =
      new JwtClaimValidator<>("client_id", Objects::nonNull);

  public static void main(String[] args) {
    SpringApplication.run(JwtApi.class, args);
  }

  @Bean
  JwtDecoder decoder(@Value("${issuer}") String issuer, @Value("${audience}") String audience) {
    // The validator below knows the type at+jwt; the one of the decoder knows only JWT.
    NimbusJwtDecoder decoder =
        NimbusJwtDecoder.withIssuerLocation(issuer).validateType(false).build();
    decoder.setJwtValidator(
        JwtValidators.createAtJwtValidator()
            .issuer(issuer)
            .audience(audience)
            // This API is for every client.
            .validators((all) -> all.put("client_id", CLIENT))
            .build());
    return decoder;
  }

  @Bean
  SecurityFilterChain chain(HttpSecurity http) throws Exception {
    return http.authorizeHttpRequests(
            (requests) ->
                requests
                    .requestMatchers("/").permitAll()
                    .requestMatchers("/write").hasAuthority("SCOPE_write")
                    .requestMatchers("/read").hasAuthority("SCOPE_read")
                    .anyRequest().authenticated())
        .oauth2ResourceServer((server) -> server.jwt((jwt) -> {}))
        .build();
  }

  /** Answers as soon as the server is up. */
  @GetMapping("/")
  String up() {
    return "up";
  }

  @GetMapping({"/read", "/write"})
  Map<String, Object> claims(@AuthenticationPrincipal Jwt jwt) {
    return jwt.getClaims();
  }
}
