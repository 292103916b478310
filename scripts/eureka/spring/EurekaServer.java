import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.cloud.netflix.eureka.server.EnableEurekaServer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.web.SecurityFilterChain;

/** Spring Cloud's Eureka server; with a user (spring.security.user.name) everybody must be that user. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableEurekaServer
public class EurekaServer {
  public static void main(String[] arguments) {
    SpringApplication.run(EurekaServer.class, arguments);
  }

  /** Forms have tokens against forgery, an API has none. */
  @Bean
  SecurityFilterChain access(HttpSecurity http, org.springframework.core.env.Environment settings) throws Exception {
    boolean hasUser = settings.containsProperty("spring.security.user.name");
    return http
        .csrf(AbstractHttpConfigurer::disable)
        .authorizeHttpRequests(
            requests -> {
              if (hasUser) requests.anyRequest().authenticated();
              else requests.anyRequest().permitAll();
            })
        .httpBasic(Customizer.withDefaults())
        .build();
  }
}
