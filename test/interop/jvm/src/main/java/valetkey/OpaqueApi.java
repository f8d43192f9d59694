package valetkey;

import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.OAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.server.resource.introspection.OpaqueTokenIntrospector;
import org.springframework.security.oauth2.server.resource.introspection.SpringOpaqueTokenIntrospector;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An API that asks for each token what it is worth (RFC 7662), with client_secret_basic. */
@Configuration
@EnableAutoConfiguration
@RestController
public class OpaqueApi {
  public static void main(String[] args) {
    SpringApplication.run(OpaqueApi.class, args);
  }

  @Bean
  OpaqueTokenIntrospector introspector(
      @Value("${introspection}") String uri,
      @Value("${client.id}") String id,
      @Value("${client.secret}") String secret) {
    return SpringOpaqueTokenIntrospector.withIntrospectionUri(uri)
        .clientId(id)
        .clientSecret(secret)
        .build();
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
        .oauth2ResourceServer((server) -> server.opaqueToken((opaque) -> {}))
        .build();
  }

  /** Answers as soon as the server is up. */
  @GetMapping("/")
  String up() {
    return "up";
  }

  @GetMapping({"/read", "/write"})
  Map<String, Object> attributes(@AuthenticationPrincipal OAuth2AuthenticatedPrincipal principal) {
    return principal.getAttributes();
  }
}
